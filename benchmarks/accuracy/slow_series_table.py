"""The result of slow_series as it stands in documents."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.accuracy.slow_series_scores import ORDER, SUMMED, ZERO
from benchmarks.accuracy.slow_series_sets import LOOKED_AT, UNSEEN
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params_file import AS_SET

TREES = "trees alone"
SIDES = (AS_SET, TREES)
ALL, AT_REST = "all", "at rest"
HEAD = [
    "data",
    "series",
    "cells",
    "sold",
    "squared error over zero's: with the step, trees alone, best simple",
    "of 28-day sums",
    "bias: with, alone",
    "WAPE of sums: with, alone",
    "pinball over zero's: with, alone",
    "of sums",
    "sums inside 95%: with, alone",
]


def table(result: Result) -> str:
    """What changed by set, then a row per part: of series at rest by data, of others together."""
    sets = {name: found for name, found in result.items() if name != "machine"}
    parts = [_changes(sets)]
    for seen, title in ((UNSEEN, "Not looked at"), (LOOKED_AT, "Looked at")):
        if of_kind := [found for found in sets.values() if found["seen"] == seen]:
            parts.append(f"*{title}*\n\n{markdown_table(HEAD, list(_rows(of_kind)))}")
    return "\n\n".join(parts)


def _changes(sets: dict[str, Result]) -> str:
    """A row per set: by how much the step for series at rest moved their errors, and WRMSSE."""
    head = ["data", "", "cutoffs", "series at rest: squared error", "better at", "of 28-day sums"]
    rows = []
    for found in sets.values():
        squared, better = _change(found, "squared")
        sums, _ = _change(found, "squared_sum")
        count = len(found["cutoffs"])
        boards = np.array([found["wrmsse"][side] for side in SIDES])
        moved = f"{boards[1].mean():.4f}, {boards[0].mean():.4f}"
        row = [found["data"], found["seen"], f"{count}", squared, f"{better} of {count}", sums]
        rows.append([*row, moved])
    return markdown_table([*head, "WRMSSE: alone, with"], rows)


def _change(found: Result, name: str) -> tuple[str, int]:
    """What all series at rest lose by the step, in shares of the trees' own sum over cutoffs, with
    the root of the squares of what single cutoffs moved it; and how many cutoffs are better.
    """
    at = {(row["cutoff"], row["forecaster"]): row[name] for row in found["resting"]}
    moved = np.array([at[day, AS_SET] - at[day, TREES] for day in found["cutoffs"]])
    whole = sum(at[day, TREES] for day in found["cutoffs"])
    share, error = moved.sum() / whole, np.sqrt((moved**2).sum()) / whole
    return f"{share:+.1%} ± {error:.1%}", int((moved < 0).sum())


def _rows(sets: list[Result]) -> Iterator[list[str]]:
    by_data: dict[tuple[str, str, str], dict[str, Result]] = {}
    for found in sets:
        for row in found["rows"]:
            data = found["data"] if row["parted"] == AT_REST else ALL
            sides = by_data.setdefault((row["parted"], row["part"], data), {})
            _add(sides.setdefault(row["forecaster"], {}), row)
    for parted, part, data in sorted(by_data, key=lambda one: ORDER.index(one[:2])):
        yield [data, f"{parted}: {part}", *_cells(by_data[parted, part, data])]


def _add(total: Result, row: Result) -> None:
    for name in ("series", "sold", *SUMMED):
        total[name] = total.get(name, 0) + row[name]


def _cells(sides: dict[str, Result]) -> list[str]:
    ours, trees, zero = (sides[name] for name in (AS_SET, TREES, ZERO))
    return [
        f"{ours['series']:,}",
        f"{ours['sold'] / ours['series']:.0%}",
        *(_beside_zero(sides, name) for name in ("squared", "squared_sum")),
        ", ".join(_over(side["error"], side["units"], "+.0%") for side in (ours, trees)),
        ", ".join(_over(side["absolute"], side["units"], ".2f") for side in (ours, trees)),
        *(
            ", ".join(_over(side[name], zero[name], ".3f") for side in (ours, trees))
            for name in ("pinball", "pinball_sum")
        ),
        ", ".join(f"{side['covered'] / side['series']:.1%}" for side in (ours, trees)),
    ]


def _beside_zero(sides: dict[str, Result], name: str) -> str:
    """With the step, trees alone, and the best of what is simple, by its name."""
    zero = sides[ZERO][name]
    simple = min((sides[one][name], one) for one in sides if one not in SIDES)[1]
    shares = [_over(sides[side][name], zero, ".3f") for side in (*SIDES, simple)]
    return f"{', '.join(shares)} ({simple})"


def _over(part: float, whole: float, form: str) -> str:
    return f"{part / whole:{form}}" if whole > 0 else "none sold"
