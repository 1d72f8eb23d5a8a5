"""Drills on files: a clean history, then each fault breaks the file of the next day; and the right
file after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from contract.panel import Panel
from contract.params import DrillParams
from drills.faults import FileFault
from drills.file_faults import FILE_FAULTS
from drills.grade import grade_delivery
from drills.result import Drill, Result, result_of

SERIES, HISTORY_DAYS = 300, 60  # of the small store that file faults are sent to


@dataclass(frozen=True)
class Inbox:
    """An inbox and the store behind it. `deliver` drops a file and returns the summary of
    ingest.py; `held`: the store's unique_id, ds, y.
    """

    deliver: Callable[[Path], dict[str, Any]]
    held: Callable[[], pl.DataFrame]


def file_drills(panel: Panel, params: DrillParams, folder: Path, inbox: Inbox) -> Iterator[Result]:
    """One result per fault. Afterwards the right files of the day and of the day before are sent
    (again): the store must be right.
    """
    folder.mkdir()
    few = panel.only(panel.series["unique_id"].head(SERIES))
    # a day without units is unknown: no file says it
    few = replace(few, sales=few.sales.drop_nulls("y"))
    days = few.sales["ds"].unique().sort().tail(HISTORY_DAYS + len(FILE_FAULTS))
    inbox.deliver(_written(folder, "sales_history.csv", _csv(few, days[:HISTORY_DAYS])))
    for fault, at in zip(FILE_FAULTS, range(HISTORY_DAYS, len(days)), strict=True):
        text, is_known = _csv(few, pl.Series([days[at]])), fault.name == "same_file"
        if is_known:
            inbox.deliver(_written(folder, "sales_first.csv", text))
        path = folder / f"sales_{days[at]}_{fault.name}.csv"
        path.write_bytes(fault.apply(text, np.random.default_rng(params.seed)))
        summary, since = inbox.deliver(path), time.perf_counter()
        steps = _put_right(few, folder, inbox, days[at - 1], days[at])
        seconds = round(time.perf_counter() - since, 1)
        drill = Drill(fault.name, 1, "file", fault.what)
        graded = _graded(summary, fault, is_known, steps is not None)
        yield result_of(drill, **graded, recovery_s=seconds, manual_steps=steps or 0)


def _put_right(few: Panel, folder: Path, inbox: Inbox, *days: date) -> int | None:
    """How often a person had to help until the store holds these days as they were sold; None: that
    was not enough.

    First their right files are sent again, as a sender does. One whose content was taken before is
    known and changes nothing, though another file overwrote it since: then its rows in another
    order, which is a person's doing.
    """
    for steps, in_order in enumerate((True, False)):
        for day in days:
            text = _csv(few, pl.Series([day]), in_order)
            inbox.deliver(_written(folder, f"sales_{day}_right_{steps}.csv", text))
        if _is_right(few, days[0], days[-1], inbox.held()):
            return steps
    return None


def _graded(
    summary: dict[str, Any], fault: FileFault, is_known: bool, is_put_right: bool
) -> dict[str, Any]:
    """What became of the file, as the arguments of `result_of`."""
    reasons = [*summary["why_refused"].values(), *(str(note) for note in summary["notes"])]
    if summary["rows_refused"] and not reasons:
        reasons = [f"{summary['rows_refused']} of {summary['rows_in']} rows quarantined"]
    status = next(name for name in ("accepted", "known", "refused", "growing") if summary[name])
    unnoticed = ["known by its content"] if status == "known" else []
    return {
        "outcome": status if is_put_right else f"{status}, not put right by the right file",
        "grade": grade_delivery(summary, fault.is_wrong, is_known, is_put_right),
        "seen_by": [f"on arrival: {reasons[0][:160]}"] if reasons else unnoticed,
    }


def _is_right(few: Panel, first: date, last: date, held: pl.DataFrame) -> bool:
    """Whether the store holds the days' rows as they were sold, and no other of these series."""
    of_days = pl.col("ds").is_between(first, last)
    ours = pl.col("unique_id").is_in(few.series["unique_id"].implode())
    key = ["unique_id", "ds", "y"]
    wanted = few.sales.filter(of_days).select(key).sort(key)
    return held.filter(of_days, ours).select(key).sort(key).equals(wanted)


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _csv(few: Panel, days: pl.Series, in_order: bool = True) -> str:
    """These days as a file in the contract's words, with the series' hierarchy; or its rows from
    the last to the first.
    """
    rows = few.sales.filter(pl.col("ds").is_in(days.implode())).select("unique_id", "ds", "y")
    rows = rows if in_order else rows.reverse()
    return rows.join(few.series, on="unique_id", how="left", maintain_order="left").write_csv()
