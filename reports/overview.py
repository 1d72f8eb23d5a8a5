"""What a planner reads first: units and money of the days ahead, beside the days just past and the
same days last year.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.days import YEAR
from contract.panel import Panel
from reports.picks import origin_of

MOST_GROUPS = 60  # a level with more groups is a list nobody reads
SPANS = ("next", "last", "year")


def by_series(panel: Panel, forecasts: pl.DataFrame) -> pl.DataFrame:
    """The series frame with units_ and money_ of `next` (the horizon), `last` (as many days up to
    the origin), `year` (52 weeks ago).

    Money is units times the price in force (after its end the last known one); null where no price
    is known. `year` is null where the panel is younger.
    """
    origin = origin_of(forecasts)
    horizon: int = forecasts.select(pl.max("h")).item()
    sold = panel.sales.select("unique_id", "ds", units="y")
    year_ago = origin - timedelta(days=YEAR)
    spans = {
        "next": forecasts.select("unique_id", "ds", units="y_hat"),
        "last": _between(sold, origin - timedelta(days=horizon - 1), origin),
        "year": _between(sold, year_ago + timedelta(days=1), year_ago + timedelta(days=horizon)),
    }
    table = panel.series
    for name, rows in spans.items():
        table = table.join(
            span_sums(rows, panel.prices, name), on="unique_id", how="left", maintain_order="left"
        )
    filled = table.with_columns(
        pl.col(f"{kind}_{span}").fill_null(0.0) for kind in ("units", "money") for span in SPANS
    )
    unknown = {
        *(_YEAR if year_ago < panel.first_day else ()),
        *(_MONEY if panel.prices["price"].count() == 0 else ()),
    }
    return filled.with_columns(pl.lit(None, pl.Float64).alias(name) for name in sorted(unknown))


def by_group(series_sums: pl.DataFrame, level: str) -> pl.DataFrame:
    """group and the sums of each group of a single-column level (`total`: all), largest first."""
    group = pl.lit("total") if level == "total" else pl.col(level)
    sums = series_sums.group_by(group.alias("group")).agg(pl.col(_UNITS + _MONEY).sum())
    known = [
        name for name in _UNITS + _MONEY if series_sums[name].null_count() < series_sums.height
    ]
    sums = sums.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in _UNITS + _MONEY if name not in known
    )
    return with_changes(sums).sort(["units_next", "group"], descending=[True, False])


def with_changes(sums: pl.DataFrame) -> pl.DataFrame:
    """The frame with change_last and change_year: units ahead against each span, as a share; null
    against nothing sold.
    """
    return sums.with_columns(
        pl.when(pl.col(f"units_{span}") > 0)
        .then(pl.col("units_next") / pl.col(f"units_{span}") - 1)
        .alias(f"change_{span}")
        for span in ("last", "year")
    )


def group_levels(levels: pl.DataFrame, series: pl.DataFrame) -> list[str]:
    """The published levels of one column that a person can read through, the total first."""
    named = [
        name
        for name in levels["level"].unique(maintain_order=True)
        if name == "total" or name in series.columns
    ]
    return [name for name in named if name == "total" or series[name].n_unique() <= MOST_GROUPS]


def largest_changes(series_sums: pl.DataFrame, count: int) -> pl.DataFrame:
    """The series whose units ahead differ most from the days just past, by money where prices are
    known.
    """
    money_known = series_sums["money_next"].null_count() < series_sums.height
    kind = "money" if money_known else "units"
    moved = (pl.col(f"{kind}_next") - pl.col(f"{kind}_last")).abs()
    return with_changes(
        series_sums.sort([moved, "unique_id"], descending=[True, False], nulls_last=True).head(
            count
        )
    )


def span_sums(rows: pl.DataFrame, prices: pl.DataFrame, name: str) -> pl.DataFrame:
    """unique_id, units_<name>, money_<name>: sums of rows (unique_id, ds, units) and of them times
    the price in force; rounded, so that the page's bytes do not hang on the order of a sum.
    """
    known = (
        prices.filter(pl.col("price").is_not_null())
        .select("unique_id", "price", ds="from_ds")
        .sort("ds")
    )
    priced = rows.sort("ds").join_asof(
        known, on="ds", by="unique_id", strategy="backward", check_sortedness=False
    )
    money = pl.col("units") * pl.col("price")
    return (
        priced.group_by("unique_id")
        .agg(
            pl.col("units").sum().round(3).alias(f"units_{name}"),
            money.sum().round(2).alias(f"money_{name}"),
        )
        .sort("unique_id")
    )


_UNITS = [f"units_{span}" for span in SPANS]
_MONEY = [f"money_{span}" for span in SPANS]
_YEAR = ("units_year", "money_year")


def _between(sold: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    return sold.filter(pl.col("ds").is_between(first, last))
