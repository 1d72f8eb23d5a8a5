"""A scope: the values that series must have for a row to hold for them, as canonical JSON text.

`{"dept_id":"FOODS_1","store_id":"CA_1"}`: columns of the series in alphabetical order; `{}` holds
for all series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

ALL_SERIES = "{}"


def scope_of(columns: Iterable[str]) -> pl.Expr:
    """The scope of a row: its values in these text columns; a null is any value."""
    return _scope({name: pl.col(name) for name in columns}).alias("scope")


def scope_value(column: str) -> pl.Expr:
    """What the column `scope` asks of this column of the series; null: any value."""
    return pl.col("scope").str.json_path_match(f"$.{column}").alias(column)


def names_only(columns: Iterable[str]) -> pl.Expr:
    """Whether the column `scope` names no other columns than these."""
    return _scope({name: scope_value(name) for name in columns}) == pl.col("scope")


def is_of_nobody(series: pl.DataFrame) -> pl.Expr:
    """Whether the column `scope` names a value that none of these series has; never where no series
    is known yet.
    """
    if series.is_empty():
        return pl.lit(value=False)
    needed = {name: scope_value(name) for name in series.columns}
    known = {name: series[name].drop_nulls().unique().implode() for name in needed}
    strange = [value.is_not_null() & ~value.is_in(known[name]) for name, value in needed.items()]
    return pl.any_horizontal(~names_only(needed), *strange)


def _scope(values: Mapping[str, pl.Expr]) -> pl.Expr:
    parts = [
        pl.when(values[name].is_not_null()).then(
            pl.struct(values[name].alias(name))
            .struct.json_encode()
            .str.strip_prefix("{")
            .str.strip_suffix("}")
        )
        for name in sorted(values)
    ]
    if not parts:
        return pl.lit(ALL_SERIES)
    named = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.concat_str(pl.lit("{"), named, pl.lit("}"))
