"""From what a person says of a group's days to the rows of a forecast table: shares, and sums that
agree (docs/design/planner.md, Overrides).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from contract.errors import BadUsage
from contract.levels import SERIES_LEVEL, TOTAL, Level

Kind = Literal["percent", "units"]


@dataclass(frozen=True)
class Wish:
    """What is wanted of a group's days, both ends included: so many percent of the model's mean
    (0 is none), or so many units of them all.
    """

    level: Level
    key: str
    from_ds: date
    to_ds: date
    kind: Kind
    value: float


def level_of(name: str) -> Level:
    """A level by the name that an override has of it."""
    if name == SERIES_LEVEL:
        return Level(name, ("unique_id",))
    return Level(name, () if name == TOTAL else tuple(name.split("*")))


def rows_of(
    forecasts: pl.DataFrame | pl.LazyFrame, series: pl.DataFrame, wish: Wish
) -> pl.DataFrame:
    """unique_id, ds, model: the table's rows of the wish's group and days. `forecasts`: FORECASTS
    of one run.
    """
    # a column, not an expression: a predicate of one literal breaks on many series (Polars 2.1)
    keyed = series.select("unique_id", wish.level.group_key)
    members = keyed.filter(pl.col("group_key") == wish.key).select("unique_id")
    days = forecasts.lazy().filter(pl.col("ds").is_between(wish.from_ds, wish.to_ds))
    rows = days.join(members.lazy(), on="unique_id", how="semi", maintain_order="left")
    return rows.select("unique_id", "ds", model="y_hat").collect()


def spread(rows: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    """The rows with y_hat as the wish makes it; BadUsage for a percentage of nothing.

    Units are spread by the model's shares; evenly where it expects nothing of all rows. They sum to
    the wish's value.
    """
    expected = float(rows["model"].sum())
    if wish.kind == "percent":
        if expected == 0:
            raise BadUsage(
                f"the model expects nothing of '{wish.key}' from {wish.from_ds} to {wish.to_ds}: "
                "no percentage changes that. Say how many units."
            )
        return rows.with_columns(y_hat=pl.col("model") * (1 + wish.value / 100))
    return rows.with_columns(y_hat=_shared(pl.lit(wish.value)))


def spread_again(rows: pl.DataFrame, wish: Wish, days: pl.DataFrame) -> pl.DataFrame:
    """The same of a later table: a percentage of its means; of units, each day has the sum it had
    when the override was made, spread by the new shares.

    `days`: ds and units, as the override's own rows sum to.
    """
    if wish.kind == "percent":
        return rows.with_columns(y_hat=pl.col("model") * (1 + wish.value / 100))
    wanted = rows.join(days, on="ds", how="inner", maintain_order="left", validate="m:1")
    return wanted.with_columns(y_hat=_shared(pl.col("units")).over("ds")).drop("units")


def _shared(units: pl.Expr) -> pl.Expr:
    """These units by the model's shares of the rows; evenly where it expects nothing of them."""
    expected = pl.col("model").sum()
    return (
        pl.when(expected > 0).then(units * pl.col("model") / expected).otherwise(units / pl.len())
    )
