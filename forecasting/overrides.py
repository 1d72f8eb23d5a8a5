"""From what a person says of a group's days to the rows of a forecast table: shares, and sums that
agree (docs/design/planner.md, Overrides).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from contract.demand import DemandRules
from contract.errors import BadUsage
from contract.levels import Level
from contract.panel import Panel
from features.opening import closed_ahead
from forecasting.forecaster import forecast_grid
from forecasting.publication import trim_to_last_sale

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


def closed_rows(panel: Panel, origin: date, horizon: int, rules: DemandRules) -> pl.DataFrame:
    """unique_id, ds of the days after an origin on which a series cannot sell, as its store is
    known.
    """
    known = trim_to_last_sale(panel.up_to(origin))
    if known.sales.is_empty():
        return pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date})
    closed = closed_ahead(known, origin, horizon, rules.region)
    grid = forecast_grid(known.series["unique_id"], origin, horizon)
    return grid.filter(pl.Series(closed.ravel())).select("unique_id", "ds")


def expects_nothing(rows: pl.DataFrame) -> bool:
    """Whether the model expects nothing of all these rows: there are no shares then, and which of
    them can sell has to be known.
    """
    return float(rows["model"].sum()) == 0


def expects_nothing_on_a_day(rows: pl.DataFrame, days: pl.DataFrame) -> bool:
    """The same of one of the days of which units are wanted (ds, units)."""
    sums = rows.group_by("ds").agg(pl.col("model").sum()).join(days, on="ds", how="inner")
    return not sums.filter(pl.col("model") == 0, pl.col("units") > 0).is_empty()


def spread(rows: pl.DataFrame, wish: Wish, closed: pl.DataFrame | None = None) -> pl.DataFrame:
    """The rows with y_hat as the wish makes it; BadUsage where it has no row, for a percentage of
    nothing, and for units that no day can sell.

    Units are spread by the model's shares; where it expects nothing of all rows evenly over those
    that can sell. They sum to the wish's value. `closed`: as of `closed_rows`.
    """
    group = f"'{wish.key}' from {wish.from_ds} to {wish.to_ds}"
    if rows.is_empty():
        raise BadUsage(
            f"the newest table has no row of {group}: its series came after it. Run `python "
            "inference.py`, then override that table."
        )
    if wish.kind == "percent":
        if expects_nothing(rows):
            raise BadUsage(
                f"the model expects nothing of {group}: no percentage changes that. Say how many "
                "units."
            )
        return rows.with_columns(y_hat=pl.col("model") * (1 + wish.value / 100))
    marked = _marked(rows, closed)
    if expects_nothing(rows) and marked["is_closed"].all():
        raise BadUsage(
            f"no day of {group} can sell: calendar, plan or habit says closed. Send a calendar or "
            "plan that says open and forecast again, or give other days."
        )
    return marked.with_columns(y_hat=_shared(pl.lit(wish.value))).drop("is_closed")


def spread_again(
    rows: pl.DataFrame, wish: Wish, days: pl.DataFrame, closed: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The same of a later table: a percentage of its means; of units, each day has the sum it had
    when the override was made, spread by the new shares; nothing on a day that can sell no more.

    `days`: ds and units, as the override's own rows sum to.
    """
    if wish.kind == "percent":
        return rows.with_columns(y_hat=pl.col("model") * (1 + wish.value / 100))
    wanted = _marked(rows, closed).join(
        days, on="ds", how="inner", maintain_order="left", validate="m:1"
    )
    made = wanted.with_columns(y_hat=_shared(pl.col("units")).over("ds"))
    return made.drop("units", "is_closed")


def _marked(rows: pl.DataFrame, closed: pl.DataFrame | None) -> pl.DataFrame:
    """The rows with is_closed."""
    if closed is None:
        return rows.with_columns(is_closed=pl.lit(value=False))
    said = closed.with_columns(is_closed=pl.lit(value=True))
    marked = rows.join(said, on=["unique_id", "ds"], how="left", maintain_order="left")
    return marked.with_columns(pl.col("is_closed").fill_null(value=False))


def _shared(units: pl.Expr) -> pl.Expr:
    """These units by the model's shares of the rows; where it expects nothing of them evenly over
    those that are not closed.
    """
    expected, is_open = pl.col("model").sum(), ~pl.col("is_closed")
    return (
        pl.when(expected > 0)
        .then(units * pl.col("model") / expected)
        .when(is_open)
        .then(units / is_open.sum())
        .otherwise(0.0)
    )
