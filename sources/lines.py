"""Invoice lines as daily demand: which lines count, and their sum per series and day."""

from __future__ import annotations

import polars as pl

from contract.params import FilesParams
from sources import reasons
from sources.tables import need_columns

LONGEST_NAME = 200  # characters
UNSEEN = r"[\x00-\x1f\x7f]"  # line ends, tabs, zero bytes


def line_checks(files: FilesParams, table: pl.DataFrame, name: str) -> tuple[pl.Expr, ...]:
    """Further reasons to refuse a line: not a product, a duplicate."""
    need_columns(table, dict.fromkeys(files.keep, "source.files.keep"), name)
    checks: list[pl.Expr] = [
        _not_matching(column, pattern) for column, pattern in files.keep.items()
    ]
    if files.transactions and files.deduplicate_on:
        need_columns(
            table, dict.fromkeys(files.deduplicate_on, "source.files.deduplicate_on"), name
        )
        repeated = ~pl.struct(files.deduplicate_on).is_first_distinct()
        checks.append(pl.when(repeated).then(pl.lit(reasons.DUPLICATE_LINE)))
    return tuple(checks)


def group_checks(columns: list[str]) -> list[pl.Expr]:
    """Further reasons to refuse a line: the name of a group it stands in is none."""
    checks: list[pl.Expr] = []
    for column in columns:
        text = pl.col(column).cast(pl.String)
        absurd = (text.str.len_chars() > LONGEST_NAME) | text.str.contains(UNSEEN)
        checks.append(pl.when(absurd).then(pl.lit(reasons.GROUP_NAME_ABSURD)))
    return checks


def daily_from_lines(lines: pl.DataFrame, covariates: list[str]) -> pl.DataFrame:
    """One row per series and day: units summed, price weighted by units, covariates averaged.

    `lines` of a row counts the invoice lines in it, `row_number` is the first one's. With `returns:
    net` a day can come out negative; whether such a day is accepted is for expectations to say.
    """
    sums = {**_sums(), **{name: pl.col(name).mean().round(6) for name in covariates}}
    levels = [name for name in lines.columns if name not in {*sums, "unique_id", "ds"}]
    values = [value.alias(name) for name, value in sums.items() if name in lines.columns]
    by_day = lines.sort("row_number").group_by("unique_id", "ds", maintain_order=True)
    return by_day.agg(*values, pl.col(levels).first())


def _sums() -> dict[str, pl.Expr]:
    """What a day's value is, by column, given the day's lines."""
    units, price = pl.col("y"), pl.col("price")
    weighted = (price * units).sum() / units.sum()
    return {
        "y": units.sum(),
        "known_at": pl.col("known_at").max(),
        "is_open": pl.col("is_open").any(),
        "stockout_share": pl.col("stockout_share").max(),
        "price": pl.when(units.sum() > 0).then(weighted).otherwise(price.mean()).round(4),
        "promo": pl.col("promo").max(),
        "row_number": pl.col("row_number").min(),
        "lines": pl.col("lines").sum(),
    }


def _not_matching(column: str, pattern: str) -> pl.Expr:
    matches = pl.col(column).cast(pl.String).str.contains(pattern)
    return pl.when(~matches.fill_null(False)).then(pl.lit(reasons.NOT_A_PRODUCT))
