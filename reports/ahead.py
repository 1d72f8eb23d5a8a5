"""The days ahead beside those just past, last year's and the table before: sums of series and
groups, for the planner's page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from contract.days import WEEK, YEAR
from reports.overview import MOST_GROUPS, span_sums

SPANS = (7, 28)  # days ahead that are shown
WEEKS_BACK = 8
KINDS = ("next", "last", "year", "before", "model")


@dataclass(frozen=True)
class Known:
    """What sums are made of.

    `final`: unique_id, ds, h, y_hat, model, override_id of the newest table; `before`: unique_id,
    ds, y_hat of the one before (no rows: there is none). `sales`: unique_id, ds, y. `prices`:
    PRICES. `first_day`: of all sales.
    """

    origin: date
    final: pl.DataFrame
    before: pl.DataFrame
    sales: pl.DataFrame
    prices: pl.DataFrame
    series: pl.DataFrame
    first_day: date

    @property
    def horizon(self) -> int:
        """Days the table has."""
        return int(self.final["h"].max())  # type: ignore[arg-type]

    @property
    def spans(self) -> list[int]:
        """The spans that the table reaches; a short one is shown whole."""
        return [days for days in SPANS if days <= self.horizon] or [self.horizon]

    @property
    def has_year(self) -> bool:
        """Whether the days a year before the span were sold on."""
        return self.first_day <= self.origin - timedelta(days=YEAR - 1)


def windows(origin: date, horizon: int, history: int) -> list[tuple[date, date]]:
    """The days of sales that the page reads: lately, and a year before these and the days ahead."""
    first, year = origin - timedelta(days=history - 1), timedelta(days=YEAR)
    return [(first - year, origin + timedelta(days=horizon) - year), (first, origin)]


def sums_by_series(known: Known) -> pl.DataFrame:
    """The series with units_<kind>_<days> and money_<kind>_<days> of each of KINDS and spans;
    `before` is of the days that both tables have, and `overlap` the new one's of these.

    Null where there is no table before, no sales of a year ago, or no price.
    """
    table = known.series
    for days in known.spans:
        for kind, rows in _rows(known, days).items():
            sums = span_sums(rows, known.prices, f"{kind}_{days}")
            table = table.join(sums, on="unique_id", how="left", maintain_order="left")
    filled = table.with_columns(
        pl.col(name).fill_null(0.0) for name in table.columns if name not in known.series.columns
    )
    return filled.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in filled.columns if _is_unknown(name, known)
    )


def weeks_by_series(known: Known) -> pl.DataFrame:
    """unique_id, week (from -WEEKS_BACK, 1 is the first ahead), units: what sold, and the final
    means.
    """
    back = known.sales.filter(
        pl.col("ds") > known.origin - timedelta(days=WEEK * WEEKS_BACK),
        pl.col("ds") <= known.origin,
    )
    ago = (pl.lit(known.origin) - pl.col("ds")).dt.total_days()
    past = back.select("unique_id", week=-(ago // WEEK) - 1, units="y")
    ahead = known.final.select("unique_id", week=(pl.col("h") - 1) // WEEK + 1, units="y_hat")
    whole = ahead.filter(pl.col("week") <= known.horizon // WEEK)
    both = pl.concat([past.cast({"week": pl.Int64}), whole.cast({"week": pl.Int64})])
    return both.group_by("unique_id", "week").agg(pl.col("units").sum())


def shown_levels(series: pl.DataFrame) -> list[str]:
    """The hierarchy's columns that a table can have as rows or columns, stores first."""
    columns = [name for name in series.columns if name != "unique_id"]
    shown = [name for name in columns if 1 < series[name].n_unique() <= MOST_GROUPS]
    return sorted(
        shown, key=lambda name: (name != "store_id", name != "dept_id", columns.index(name))
    )


def cube(sums: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """The sums by every combination of these columns that has series: any two can be crossed."""
    numbers = [name for name in sums.columns if name.startswith(("units_", "money_"))]
    keys = [pl.col(name) for name in columns] or [pl.lit("total").alias("total")]
    summed = sums.group_by(keys).agg(pl.col(numbers).sum())
    unknown = [name for name in numbers if sums[name].null_count() == sums.height]
    return summed.with_columns(pl.lit(None, pl.Float64).alias(name) for name in unknown).sort(
        columns or ["total"]
    )


def _rows(known: Known, days: int) -> dict[str, pl.DataFrame]:
    """By kind unique_id, ds, units of so many days."""
    origin = known.origin
    ahead = known.final.filter(pl.col("h") <= days)
    year = origin - timedelta(days=YEAR)
    both = ahead.join(known.before, on=["unique_id", "ds"], how="inner", suffix="_before")
    return {
        "next": ahead.select("unique_id", "ds", units="y_hat"),
        "model": ahead.select("unique_id", "ds", units="model"),
        "last": _sold(known.sales, origin - timedelta(days=days - 1), origin),
        "year": _sold(known.sales, year + timedelta(days=1), year + timedelta(days=days)),
        "before": both.select("unique_id", "ds", units="y_hat_before"),
        "overlap": both.select("unique_id", "ds", units="y_hat"),
    }


def _sold(sales: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    return sales.filter(pl.col("ds").is_between(first, last)).select("unique_id", "ds", units="y")


def _is_unknown(name: str, known: Known) -> bool:
    kind, _, of = name.partition("_")
    if kind not in ("units", "money"):
        return False
    return (
        (kind == "money" and known.prices["price"].count() == 0)
        or (of.startswith("year") and not known.has_year)
        or (of.startswith(("before", "overlap")) and known.before.is_empty())
    )
