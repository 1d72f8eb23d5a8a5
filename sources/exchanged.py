"""Days whose month and day a program exchanged on the way: a spreadsheet or a parser that expects
the month first turns 5 January into 1 May, and leaves 13 January as it is.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.errors import BadInput

_LAST_MONTH = 12  # a day beyond it is no month, so it is never exchanged
_LEAST_DAYS = 3  # of fewer, an order is chance
_LEAST_DENSE = 0.5  # of a table of sales; a list of events is thinner, and its gaps say nothing
_FAR = timedelta(days=31)  # more than any row of days up to the 12th is away from the others


def refuse_exchanged(days: pl.Series, name: str) -> None:
    """BadInput where days up to the 12th stand far from all others, and would stand among them with
    month and day exchanged.

    Where the others span most of a year to its end, exchanged days fill one another's places, and
    nothing tells them apart.
    """
    ds = days.drop_nulls().unique().sort()
    sure = ds.filter(ds.dt.day() > _LAST_MONTH)
    if sure.len() < _LEAST_DAYS or sure.len() < _LEAST_DENSE * _days_beyond(sure[0], sure[-1]):
        return
    first, last = sure[0] - _FAR, sure[-1] + _FAR
    far = ds.filter(~ds.is_between(first, last))
    turned = [_turned(day) for day in far.to_list()]
    if len(turned) < _LEAST_DAYS or not all(first <= day <= last for day in turned):
        return
    raise BadInput(
        f"column '{name}' holds days from {sure[0]} to {sure[-1]}, and {len(turned)} far from them "
        f"that would stand among them with month and day exchanged: {far[0]} for {turned[0]}. A "
        f"program took them for month first. Export the days again, like {date(2024, 1, 31)} or as "
        "text; if they are right as they are, state source.files.date_format in shop.yaml."
    )


def _turned(day: date) -> date:
    """The day with its month as day; a far one is never beyond the 12th."""
    return date(day.year, day.day, day.month)


def _days_beyond(first: date, last: date) -> int:
    """How many days beyond the 12th there are from the first to the last."""
    every = pl.date_range(first, last, eager=True)
    return int((every.dt.day() > _LAST_MONTH).sum())
