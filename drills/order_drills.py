"""Drills on orders: a morning's stock and supply broken, what is proposed then, and what after the
right files.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from drills.grade import grade_orders
from drills.mornings import cleared
from drills.order_faults import ORDER_FAULTS, STOCK, SUPPLY, Files, OrderFault, covers_from
from drills.order_files import OrderFiles
from drills.result import Drill, Result, result_of

# flags that say of a line that what it stands on is doubtful
DOUBTS = ("stock_old", "stock_negative", "over_life")


@dataclass(frozen=True)
class OrderMorning:
    """A store of its own with today's table. `deliver` drops a file and returns the summary of
    ingest.py; `refused` are the reasons of quarantined rows; `propose` returns the day's ORDERS;
    `watched` the causes of the alerts that these raise.
    """

    deliver: Callable[[Path], dict[str, Any]]
    refused: Callable[[], list[str]]
    propose: Callable[[], pl.DataFrame]
    watched: Callable[[], list[str]]


# a folder -> a morning in it, the right supply known
Begin = Callable[[Path], OrderMorning]


@dataclass(frozen=True)
class Lines:
    """How many order lines are as they should be, say that they are not (by reason or flag), or are
    wrong and say nothing.
    """

    right: int
    said: Counter[str]
    unsaid: int

    @property
    def sentence(self) -> str:
        """The counts, in words."""
        parts = [f"{self.right} lines right"] if self.right else []
        parts += [f"{count} {what}" for what, count in sorted(self.said.items())]
        parts += [f"{self.unsaid} wrong and not said"] if self.unsaid else []
        return ", ".join(parts)


def order_drills(
    right: OrderFiles,
    begin: Begin,
    scratch: Path,
    faults: Sequence[OrderFault] = ORDER_FAULTS,
) -> Iterator[Result]:
    """One result per fault and strength, each in a store of its own. Afterwards the right files are
    sent: the orders must be those of an undisturbed morning.
    """
    undisturbed = begin(scratch / "undisturbed")
    _deliver(undisturbed, {STOCK: right.at_close()}, scratch)
    wanted = undisturbed.propose()
    if wanted["units"].null_count() or not (wanted["units"] > 0).any():
        raise RuntimeError(f"the undisturbed morning orders nothing, or not all: {wanted}")
    for fault in faults:
        for strength in fault.strengths:
            folder = scratch / f"{fault.name}_{strength}"
            yield _one_morning(begin(folder), folder, right, wanted, (fault, strength))
            cleared(folder)


def _one_morning(
    morning: OrderMorning,
    folder: Path,
    right: OrderFiles,
    wanted: pl.DataFrame,
    drill: tuple[OrderFault, int],
) -> Result:
    fault, strength = drill
    arrived = _deliver(morning, fault.files(right, strength), folder)
    orders, refused = morning.propose(), morning.refused()
    day = right.last_day + timedelta(days=1)
    lines = compared(orders, wanted, covers_from(day, strength) if fault.states_otherwise else None)
    seen_by = _seen_by(arrived, refused, lines, morning.watched())
    since = time.perf_counter()
    steps = _put_right(morning, folder, right, wanted)
    lost = "" if steps is not None else ", not put right by the right files"
    return result_of(
        Drill(fault.name, strength, "order", fault.what),
        lines.sentence + lost,
        grade_orders(sum(lines.said.values()), lines.unsaid, steps is not None),
        seen_by or (["nothing was lost"] if not lines.unsaid else []),
        recovery_s=round(time.perf_counter() - since, 1),
        manual_steps=steps or 0,
    )


def compared(orders: pl.DataFrame, wanted: pl.DataFrame, is_right: pl.Expr | None) -> Lines:
    """The lines of a disturbed morning against the undisturbed one's; or against what holds where
    the files are taken at their word. A line that is not there says nothing.
    """
    key, flags = "unique_id", pl.col("flags").fill_null("").str.split("|")
    of_right = wanted.select(key, wanted_units="units", usual=flags)
    both = of_right.join(orders.with_columns(now=flags), on=key, how="full", coalesce=True)
    same = pl.col("units").eq(pl.col("wanted_units")).fill_null(value=False)
    doubts = pl.col("now").list.set_difference("usual").list.set_intersection(list(DOUBTS))
    judged = both.select(
        is_right=(same if is_right is None else is_right).fill_null(value=False),
        said=pl.coalesce("reason", doubts.list.sort().list.first()),
    )
    wrong = judged.filter(~pl.col("is_right"))
    said = Counter(wrong["said"].drop_nulls().to_list())
    return Lines(judged.height - wrong.height, said, wrong["said"].null_count())


def _put_right(
    morning: OrderMorning, folder: Path, right: OrderFiles, wanted: pl.DataFrame
) -> int | None:
    """How often a person had to help until the orders are the undisturbed ones; None: that was not
    enough. A content that was taken before is known and changes nothing: then its rows in another
    order (see file_drills).
    """
    files = {SUPPLY: right.supply, STOCK: right.at_close()}
    for steps, in_order in enumerate((True, False)):
        _deliver(morning, {n: f if in_order else f.reverse() for n, f in files.items()}, folder)
        if _units(morning.propose()).equals(_units(wanted)):
            return steps
    return None


def _units(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.select("unique_id", "units").sort("unique_id")


def _deliver(morning: OrderMorning, files: Files, folder: Path) -> list[str]:
    """Why files were refused, and what was noted of them."""
    noticed: list[str] = []
    for name, frame in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.drop("store_id", strict=False).write_csv(path)
        summary = morning.deliver(path)
        noticed += [*summary["why_refused"].values(), *(str(note) for note in summary["notes"])]
    return noticed


def _seen_by(arrived: list[str], refused: list[str], lines: Lines, alerts: list[str]) -> list[str]:
    """Who noticed: the rules, the rows themselves, the watcher; the earliest first."""
    counted = [f"{count} rows refused: {reason}" for reason, count in Counter(refused).items()]
    on_rows = [f"on the rows: {what} on {count}" for what, count in sorted(lines.said.items())]
    return [
        *(f"on arrival: {what[:160]}" for what in (arrived or counted)),
        *on_rows,
        *(f"this morning: {cause}" for cause in alerts),
    ]
