"""A signal: one number a day for each group, judged by whether it still wanders as it used to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
import polars as pl

from contract.whole import ALONE, Whole
from monitoring.contributors import Parts

Sides = Literal["both", "up"]  # "up": only growth raises an alert

WHOLE = ""  # the group that stands for everything


def group_of(column: str, member: str) -> str:
    """What a group is called in causes: a store and a department may share a name.

    So it is `store_id:A`, and `dept_id:A` another.
    """
    return f"{column}:{member}"


def members(series: pl.DataFrame, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of everything and of each group of the columns, by the group's name."""
    rows = {WHOLE: np.ones(series.height, dtype=bool)}
    for column in columns:
        values = series[column].to_numpy()
        rows |= {group_of(column, name): values == name for name in sorted(set(values))}
    return rows


def group_names(series: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """The names of `members`, in their order."""
    named = (group_of(column, name) for column in columns for name in sorted(set(series[column])))
    return [WHOLE, *named]


def in_words(group: str) -> str:
    """A group in a sentence: ` of store_id A`, or nothing for the whole."""
    return f" of {group.replace(':', ' ', 1)}" if group else ""


@dataclass(frozen=True)
class Signal:
    """`values` (groups, days), NaN where nothing is known; consecutive days from `first`.

    Causal: the value of a day reads nothing later than that day, so a signal cut at a day is what
    that day's watcher saw. `smallest_spread` is the daily wandering that would matter to nobody, in
    the signal's unit: a spread below counts as this much. `sentence` describes a shift in the words
    of the business, with {group}, {now}, {usual} and {spread}. The whole further than
    `error_beyond` from `aim` is an error, nearer a warning. `parts`: what single series bring to
    it, of the last weeks; None where it is not made of series. `whole`: of which the series of
    `parts` are all, or some.
    """

    watcher: str
    slice: str
    first: date
    groups: tuple[str, ...]
    values: np.ndarray
    smallest_spread: float
    sentence: str
    advice: str
    sides: Sides = "both"
    error_beyond: float | None = None
    aim: float = 0.0
    parts: Parts | None = None
    whole: Whole = ALONE

    @property
    def name(self) -> str:
        """What it is called in tables: its cause without a group."""
        return f"{self.watcher}:{self.slice}" if self.slice else self.watcher

    @property
    def last(self) -> date:
        """The newest day."""
        return self.first + timedelta(days=self.values.shape[1] - 1)

    def up_to(self, day: date) -> Signal:
        """What was known of it at the end of a day."""
        parts = self.parts.up_to(day) if self.parts else None
        known = self.values[:, : max((day - self.first).days + 1, 0)]
        return replace(self, values=known, parts=parts)

    def slice_of(self, group: str) -> str:
        """The finding's slice for one group: the signal's own, the group's, or both."""
        return ":".join(part for part in (self.slice, group) if part)
