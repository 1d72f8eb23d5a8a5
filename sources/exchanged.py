"""Days whose month and day a program exchanged on the way: a spreadsheet or a parser that expects
the month first turns 5 January into 1 May, and leaves 13 January as it is.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.errors import BadInput

_LAST_MONTH = 12  # a day beyond it is no month, so it is never exchanged
_LEAST_DAYS = 3  # on either side of that; of fewer, an order is chance
_LEAST_DENSE, _THINNER = 0.8, 0.8


def refuse_exchanged(days: pl.Series, name: str) -> None:
    """BadInput where the days of a column stand in a row only if month and day are exchanged in
    those up to the 12th.

    Over a year or more the exchanged days fill one another's places, and nothing tells them apart.
    """
    distinct = pl.DataFrame({"ds": days.drop_nulls().unique()}).with_columns(
        turned=pl.when(pl.col("ds").dt.day() <= _LAST_MONTH)
        .then(pl.date(pl.col("ds").dt.year(), pl.col("ds").dt.day(), pl.col("ds").dt.month()))
        .otherwise("ds")
    )
    moved = distinct.filter(pl.col("ds") != pl.col("turned"))
    beyond = distinct.filter(pl.col("ds").dt.day() > _LAST_MONTH)
    if moved.height < _LEAST_DAYS or beyond.height < _LEAST_DAYS:
        return
    density = _density(distinct["turned"])
    if density < _LEAST_DENSE or _density(distinct["ds"]) > _THINNER * density:
        return
    ds, turned = moved.sort("turned").row(0)
    raise BadInput(
        f"column '{name}' holds days in a row only if day and month are exchanged in those up to "
        f"the 12th: {ds} for {turned}. A program took them for month first. Export the days again, "
        f"like {date(2024, 1, 31)} or as text; if they are right as they are, state "
        "source.files.date_format in shop.yaml."
    )


def _density(days: pl.Series) -> float:
    """The share of the days from the first to the last that are there."""
    first, last = pl.DataFrame({"ds": days}).select(a=pl.min("ds"), z=pl.max("ds")).row(0)
    return float(days.n_unique() / ((last - first).days + 1))
