"""Rows that hold for many series: a scope made of the columns that say for which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from contract.scopes import scope_of
from sources import reasons
from sources.parsing import Column

_ANY = r"^\*(_\*)*$"  # also of several columns that name a series together


def naming_columns(mapping: Mapping[str, str | list[str]]) -> list[Column]:
    """The columns that say for which series a row holds, by the level column they are."""
    return [
        Column(name, (origin,) if isinstance(origin, str) else tuple(origin), "text")
        for name, origin in mapping.items()
    ]


def scoped(rows: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The rows with the column `scope` made of the columns of these names; an empty cell or '*' is
    any value.
    """
    names = list(names)
    any_value = (pl.when(~pl.col(name).str.contains(_ANY)).then(name).alias(name) for name in names)
    return rows.with_columns(any_value).with_columns(scope_of(names))


def half_named(named: list[Column]) -> tuple[pl.Expr, ...]:
    """Checks that of several columns that name a series together all are filled, or none."""
    checks: list[pl.Expr] = []
    for column in named:
        is_empty = [pl.col(one).is_null() for one in column.origin]
        is_half = pl.any_horizontal(is_empty) & ~pl.all_horizontal(is_empty)
        checks.append(pl.when(is_half).then(pl.lit(reasons.HALF_NAMED)))
    return tuple(checks)
