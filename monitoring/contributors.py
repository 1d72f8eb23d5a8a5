"""Which series make an alert: those whose own part of a signal changed most when the signal did.

Every signal's daily number is made of parts of single series (an error, a sale more than a year
before, a price). A part's mean since the onset less its mean of the four weeks before says how much
of the shift the series brought.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from contract.sums import summed
from contract.whole import ALONE, Whole

MOST_NAMED = 5  # a person reads no more
DAYS_OF_PARTS = 56  # that are kept: the days watched and as many before them
DAYS_BEFORE = 28  # of a series' own part, which say what it usually is


@dataclass(frozen=True)
class Parts:
    """`table` (series, days): each series' part of a signal, NaN where it has none; consecutive
    days from `first`. `series`: unique_id and the columns that make groups, in the table's order.
    """

    first: date
    series: pl.DataFrame
    table: np.ndarray

    def up_to(self, day: date) -> Parts:
        """What was known of it at the end of a day."""
        return replace(self, table=self.table[:, : max((day - self.first).days + 1, 0)])


def contributors(
    parts: Parts | None, group: str, since: date, side: int, whole: Whole = ALONE
) -> tuple[str, ...]:
    """The series of a group (`column:member`, or nothing for the whole) whose parts moved most
    towards `side` (1 up, -1 down) since a day; the first moved furthest.
    """
    if parts is None or not parts.table.shape[1]:
        return ()
    own = _furthest(parts, group, since, side)
    rows = summed(whole, f"{group} {since} {side}", own, ["unique_id"])
    furthest = rows.sort("moved", descending=True, maintain_order=True)
    return tuple(furthest["unique_id"][:MOST_NAMED])


def named(names: tuple[str, ...]) -> str:
    """The names as the end of a sentence; nothing for none."""
    return f"; most of it from {', '.join(names)}" if names else ""


def _furthest(parts: Parts, group: str, since: date, side: int) -> pl.DataFrame:
    """unique_id, moved: of the series that moved, the MOST_NAMED that moved furthest."""
    at = max((since - parts.first).days, 0)
    after, before = parts.table[:, at:], parts.table[:, max(at - DAYS_BEFORE, 0) : at]
    moved = side * (_mean(after) - _mean(before))
    moved[~_members(parts.series, group)] = 0
    furthest = np.argsort(-moved, kind="stable")[:MOST_NAMED]
    names = parts.series["unique_id"].gather(furthest)
    return pl.DataFrame({"unique_id": names, "moved": moved[furthest]}).filter(pl.col("moved") > 0)


def _members(series: pl.DataFrame, group: str) -> np.ndarray:
    if not group:
        return np.ones(series.height, dtype=bool)
    column, _, member = group.partition(":")
    is_member: np.ndarray = (series[column].cast(pl.String) == member).to_numpy()
    return is_member


def _mean(table: np.ndarray) -> np.ndarray:
    """(series,) of the known days; 0 for none."""
    known = np.isfinite(table)
    mean: np.ndarray = np.where(known, table, 0.0).sum(axis=1, dtype=np.float64)
    return mean / np.maximum(known.sum(axis=1), 1)
