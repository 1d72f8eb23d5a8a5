"""Which row of the supply file says what of a series."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from contract.frames import TERMS
from contract.scopes import names_only, scope_value

_RHYTHM = ("order_days", "review_days")  # one says when is ordered: both are of one row
# which of the rows that fit a series comes first; the scope's text only that the order is fixed
_RANK = {"names_series": True, "named": True, "fits": False, "scope": False}  # descending


@dataclass(frozen=True)
class SeriesSupply:
    """What the supply file says of each series that a row of it fits.

    `terms`: unique_id and the columns of contract.frames.TERMS, one row a series, sorted; null: no
    row says it. `said_by`: the same columns, in each the scope of the row that says it.
    """

    terms: pl.DataFrame
    said_by: pl.DataFrame


def supply_of(supply: pl.DataFrame, series: pl.DataFrame) -> SeriesSupply:
    """The terms of each of these series (SERIES), column by column from the most specific of the
    rows (SUPPLY) that fit it and say it.

    A row that names the series itself comes first, then the one that names more columns, then the
    one that fits fewer series. `order_days` and `review_days` are of one row.
    """
    fitting = _fitting(supply, series).sort(
        "unique_id", *_RANK, descending=[False, *_RANK.values()], maintain_order=True
    )
    says_rhythm = pl.any_horizontal(pl.col(*_RHYTHM).is_not_null())
    says = {name: says_rhythm if name in _RHYTHM else pl.col(name).is_not_null() for name in TERMS}
    by_series = fitting.group_by("unique_id", maintain_order=True)
    terms = by_series.agg(pl.col(name).filter(says[name]).first() for name in TERMS)
    scopes = by_series.agg(pl.col("scope").filter(says[name]).first().alias(name) for name in TERMS)
    is_said = (pl.when(terms[name].is_not_null()).then(name).alias(name) for name in TERMS)
    return SeriesSupply(terms, scopes.with_columns(is_said))


def _fitting(supply: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """unique_id, scope, the terms and the columns of _RANK, one row for each series and row that
    fits it.
    """
    columns = series.columns
    rows = supply.filter(names_only(columns)).select("scope")
    needed = rows.select("scope", *(scope_value(name) for name in columns))
    needed = needed.with_columns(
        names_series=pl.col("unique_id").is_not_null(),
        named=pl.sum_horizontal(pl.col(columns).is_not_null()).cast(pl.Int64),
    )
    shape = [pl.col(name).is_not_null().alias(f"asks {name}") for name in columns]
    fits = [
        _joined(group.select(needed.columns), series)
        for _, group in needed.with_columns(shape).group_by(f"asks {name}" for name in columns)
    ]
    empty = needed.clear().select("unique_id", "scope", "names_series", "named")
    found = pl.concat([empty, *fits]).with_columns(fits=pl.len().over("scope"))
    return found.join(supply.select("scope", *TERMS), on="scope", how="left")


def _joined(rows: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """The series with those of the rows, all asking for the same columns, that fit them."""
    names = [name for name in series.columns if rows[name].null_count() == 0]
    rank = rows.select("scope", "names_series", "named", *names)
    joined = series.join(rank, on=names, how="inner") if names else series.join(rank, how="cross")
    return joined.select("unique_id", "scope", "names_series", "named")
