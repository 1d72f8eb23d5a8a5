"""A horizon that the history can be tested on, and leaves that its rows can fill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from sources.draft.findings import Line

LEAST_DAYS = 28
_CUTOFFS = 4  # evaluate.origins as shipped
_EXTRA_DAYS = 14  # that a cutoff needs beside the horizon (forecasting.backtest)
_BETWEEN_ORIGINS, _MIN_HISTORY = 5, 56  # train.origin_step_days and .min_history_days as shipped
_LEAF, _LEAVES = 100, 6  # train.min_rows_in_leaf as shipped; leaves that the fewest rows must fill
_WEEK = 7


@dataclass(frozen=True)
class _Plan:
    """A horizon, and the days between cutoffs."""

    horizon: int
    step_days: int

    @property
    def least_days(self) -> int:
        """Days of history with which at least two cutoffs fit."""
        return 2 * self.horizon + _EXTRA_DAYS + self.step_days


_SHIPPED = _Plan(28, 28)
_SHORTER = (_Plan(14, 7), _Plan(7, 7))


@dataclass(frozen=True)
class History:
    """Settings of a short history, and why it cannot be forecast."""

    lines: tuple[Line, ...] = ()
    obstacles: tuple[str, ...] = ()


def lines_of_history(days: pl.Series, series: int) -> History:
    """What a history of these days and so many series can carry, where it is less than what ships
    asks for.
    """
    if days.is_empty():
        return History()
    if rare := _rare(days):
        return History(obstacles=(rare,))
    first: date = days[0]
    last: date = days[-1]
    span = (last - first).days + 1
    if span < LEAST_DAYS:
        text = f"{first} to {last} are {span} days; {LEAST_DAYS} are needed to test a forecast."
        return History(obstacles=(f"{text} Add older files.",))
    if span >= _SHIPPED.least_days:
        return History(tuple(_leaf_line(_SHIPPED, span, series)))
    plan = next((plan for plan in _SHORTER if span >= plan.least_days), _SHORTER[-1])
    blocks = list(range(_WEEK, plan.horizon + 1, _WEEK))
    lines = (
        Line(("train", "horizon"), plan.horizon, f"a history of {span} days tests no longer one"),
        Line(("train", "blocks"), blocks, "last days of the blocks of this horizon"),
        Line(("evaluate", "step_days"), plan.step_days, "so that several cutoffs fit"),
    )
    return History((*lines, *_leaf_line(plan, span, series)))


def _leaf_line(plan: _Plan, span: int, series: int) -> list[Line]:
    rows = _fewest_rows(plan, span) * series
    if rows >= _LEAF * _LEAVES:
        return []
    why = f"about {rows} rows to learn from at the first cutoff"
    return [Line(("train", "min_rows_in_leaf"), max(2, rows // _LEAVES), why)]


def _fewest_rows(plan: _Plan, span: int) -> int:
    """Rows a series gives the last block at the first cutoff (features.sampling)."""
    known = span - plan.horizon
    for _ in range(_CUTOFFS - 1):
        if known - plan.step_days >= plan.horizon + _EXTRA_DAYS:
            known -= plan.step_days
    newest = known - 1 - (plan.horizon - _WEEK + 1)
    origins = (newest - min(_MIN_HISTORY, newest // 2)) // _BETWEEN_ORIGINS
    return max(1, origins) * _WEEK


def _rare(days: pl.Series) -> str | None:
    """Why days that are weeks or months are no history of days."""
    if days.len() < 4:
        return None
    least = days.diff().drop_nulls().dt.total_days().min()
    if least == _WEEK:
        return f"all days are {days[0]:%A}s, so rows are weeks: export the days."
    return "there is a day a month, so rows are months: export the days." if least >= 28 else None
