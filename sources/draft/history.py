"""A horizon that the history can be tested on."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sources.draft.findings import Line

LEAST_DAYS = 28
# days of history: horizon, last days of blocks, days between cutoffs. A cutoff needs the horizon
# before and after it and two weeks (forecasting.backtest); several make the quantiles.
_PLANS = (
    (154, None),
    (63, (14, [7, 14], 7)),
    (LEAST_DAYS, (7, [7], 7)),
)


@dataclass(frozen=True)
class History:
    """Settings of a short history, and why it cannot be forecast."""

    lines: tuple[Line, ...] = ()
    obstacles: tuple[str, ...] = ()


def lines_of_history(days: pl.Series) -> History:
    """What a history of these days can carry; nothing to set for one of half a year or more."""
    if days.is_empty():
        return History()
    if rare := _rare(days):
        return History(obstacles=(rare,))
    span = (days[-1] - days[0]).days + 1
    shown = f"{days[0]} to {days[-1]}, {span} days"
    plan = next((plan for least, plan in _PLANS if span >= least), None)
    if span < LEAST_DAYS:
        text = f"{shown}; {LEAST_DAYS} are needed to test a forecast. Add older files."
        return History(obstacles=(text,))
    if plan is None:
        return History()
    horizon, blocks, step = plan
    why = f"a history of {span} days tests no longer one"
    lines = (
        Line(("train", "horizon"), horizon, why),
        Line(("train", "blocks"), blocks, "last days of the blocks of this horizon"),
        Line(("evaluate", "step_days"), step, "so that several cutoffs fit"),
    )
    return History(lines)


def _rare(days: pl.Series) -> str | None:
    """Why days that are weeks or months are no history of days."""
    if days.len() < 4:
        return None
    least = days.diff().drop_nulls().dt.total_days().min()
    if least == 7:
        return f"all days are {days[0]:%A}s, so rows are weeks: export the days."
    return "there is a day a month, so rows are months: export the days." if least >= 28 else None
