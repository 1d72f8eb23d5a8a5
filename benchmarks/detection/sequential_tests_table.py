"""The engine beside river's detectors, as tables."""

from __future__ import annotations

from typing import Any

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table, paragraph


def table(result: Result) -> str:
    """A table per kind of held-out worlds, a row per signal and detector; what tuning chose."""
    worlds = result["worlds"]
    tuned = next(kind for kind in worlds if kind.endswith(", tuned"))
    sizes = [str(size) for size in result["sizes"]]
    tables = [_of(kind, one, worlds[tuned], sizes) for kind, one in worlds.items() if kind != tuned]
    chosen = ". ".join(f"{name}: {_knobs(made)}" for name, made in result["tuned"].items())
    on = ", ".join(worlds[tuned]["worlds"])
    tuning = paragraph(f"River {result['river']}; tuned on {on}. {chosen}.")
    return "\n\n".join([*tables, tuning])


def _of(kind: str, one: Result, tuned: Result, sizes: list[str]) -> str:
    found = [f"found: {size} spreads" for size in sizes]
    watched = f"{kind}: {one['quarters']:.1f} quarters, {one['starts']} starts"
    alarms = ["false alarms per quarter", "on the tuned world", "open"]
    rows = [
        [stream, f"**{rival}**" if rival == "ours" else rival, f"{seen['per_quarter']:.2f}"]
        + [f"{tuned['rivals'][rival][stream]['per_quarter']:.2f}", _share(seen["share_open"])]
        + [_found(seen["found"][size]) for size in sizes]
        + ["-" if seen["days_off"] is None else f"{seen['days_off']:.0f}"]
        for stream in next(iter(one["rivals"].values()))
        for rival, by_stream in one["rivals"].items()
        for seen in [by_stream[stream]]
    ]
    return markdown_table([watched, "detector", *alarms, *found, "since when, days off"], rows)


def _found(found: Result) -> str:
    day = "" if found["days"] is None else f", day {found['days']:.0f}"
    return f"{_share(found['share'])}{day}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _knobs(made: Result) -> str:
    return ", ".join(f"{part} {_knob(value)}" for part, value in made.items() if part != "found")


def _knob(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{value:g}"
    return f"({', '.join(f'{name} {one:.2g}' for name, one in value.items())})"
