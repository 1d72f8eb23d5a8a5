"""The panel made dense: every entity has every day, in order, behind a padding of empty days.

Row of (entity, day) = entity_ix * width + padding + day_ix. An expression may shift a whole column
by as many days as the padding is long: it cannot reach into the entity before. Lags and windows
need no padding (features.feature, features.windows).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.feeds import UNKNOWN_SERIES, feed_index, of_own_feeds, series_of_rows
from contract.panel import Panel

PADDING_DAYS = 28  # the most an expression may shift
ROWS_AT_ONCE = 2_000_000  # of sales
EVERY_SHARE = 1.0  # of a day's hours without stock


@dataclass(frozen=True)
class Days:
    """The day axis of all dense tables: `padding` days, `known` days of history, `ahead` days."""

    first: date
    known: int
    ahead: int
    padding: int

    @property
    def width(self) -> int:
        """Rows an entity takes."""
        return self.padding + self.known + self.ahead

    def index(self, ds: pl.Expr) -> pl.Expr:
        """The day index of a date column: 0 is the first day of the panel."""
        return (ds - pl.lit(self.first)).dt.total_days().cast(pl.Int32)

    def of(self, day: date) -> int:
        """The day index of one day."""
        return (day - self.first).days

    def rows(self, entity_ix: np.ndarray, day_ix: np.ndarray) -> np.ndarray:
        """The row of each (entity, day)."""
        rows: np.ndarray = entity_ix.astype(np.int64) * self.width + self.padding + day_ix
        return rows

    def after(self, steps: int) -> slice:
        """The columns of an (entities, width) table for the `steps` days after the last known."""
        first = self.padding + self.known
        return slice(first, first + steps)

    def blank(self, entities: int) -> np.ndarray:
        """An empty (entities, width) float32 table."""
        return np.full((entities, self.width), np.nan, dtype=np.float32)

    def scatter(self, frame: pl.DataFrame, entities: int, value: str) -> np.ndarray:
        """The (entities, width) table of a frame with entity_ix, day_ix and a value.

        Days off the axis are left out.
        """
        table = self.blank(entities)
        on_axis = frame.select("entity_ix", "day_ix", value).filter(self.holds(pl.col("day_ix")))
        table[self.cells(on_axis)] = on_axis[value].cast(pl.Float32).fill_null(np.nan).to_numpy()
        return table

    def holds(self, day_ix: pl.Expr) -> pl.Expr:
        """Whether a day index lies on the axis: known or ahead."""
        return day_ix.is_between(0, self.known + self.ahead - 1)

    def cells(self, located: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The places in an (entities, width) table of rows with entity_ix, day_ix.

        All days must lie on the axis.
        """
        return located["entity_ix"].to_numpy(), located["day_ix"].to_numpy() + self.padding


def days_of(panel: Panel, horizon: int, padding: int = PADDING_DAYS) -> Days:
    """The day axis of a panel, from its first sales day to `horizon` days after its last."""
    return Days(panel.first_day, (panel.last_day - panel.first_day).days + 1, horizon, padding)


def column(table: np.ndarray) -> pl.Series:
    """A dense table as one Polars column, unknown as null."""
    return pl.Series(table.reshape(-1)).fill_nan(None)


def demand(panel: Panel, days: Days, rules: DemandRules) -> np.ndarray:
    """Units sold as a (series, width) table, series as in `panel.series`; NaN teaches nothing.

    NaN as in `units_sold`, before the launch (a series' first sale), and on days sold out for more
    than `rules.max_stockout_share` of their hours: what sold then is not what was wanted.
    """
    y = leave_out_sold_out(units_sold(panel, days, rules), panel, days, rules)
    launched = np.maximum.accumulate(y > 0, axis=1)
    launched |= ~np.isnan(sold_before(panel, days)[0])[:, None]
    y[~launched] = np.nan
    return y


def units_lately(panel: Panel, days: int, rules: DemandRules) -> np.ndarray:
    """(series, days) units up to the panel's last day, as `demand` but for days without stock: what
    sold then still counts.
    """
    last = Days(panel.last_day - timedelta(days=days - 1), days, 0, padding=0)
    every_day = replace(rules, max_stockout_share=EVERY_SHARE)
    return demand(panel.since(last.first, EVERY_SHARE), last, every_day)


def sold_before(panel: Panel, days: Days) -> tuple[np.ndarray, np.ndarray]:
    """(series,) day indices of each series' first and last sale before the panel begins.

    They are below zero; NaN where there was none.
    """
    before = panel.series.select("unique_id").join(
        panel.before, on="unique_id", how="left", maintain_order="left"
    )
    names = ("first_sale", "last_sale")
    day_ix = before.select(days.index(pl.col(name)).cast(pl.Float32).alias(name) for name in names)
    first, last = day_ix.fill_null(np.nan).to_numpy().T
    return first, last


def leave_out_sold_out(y: np.ndarray, panel: Panel, days: Days, rules: DemandRules) -> np.ndarray:
    """The (series, width) table itself, NaN from now on where a day was sold out.

    That is, for a larger share of its hours than `rules.max_stockout_share`.

    The one rule of who learns from a day and who is scored on it: features, backtest, and what is
    said of live forecasts.
    """
    sold_out = stockout_shares(panel, days)
    if sold_out is not None:
        y[sold_out > rules.max_stockout_share] = np.nan
    return y


def stockout_shares(panel: Panel, days: Days) -> np.ndarray | None:
    """Share of each day's hours without stock as a (series, width) table, NaN where not said.

    None where no row says it.
    """
    if panel.sales["stockout_share"].null_count() == panel.sales.height:
        return None
    shares = days.blank(panel.series.height)
    for located in _sales_in_parts(panel, days, "stockout_share"):
        shares[days.cells(located)] = (
            located["stockout_share"].cast(pl.Float32).fill_null(np.nan).to_numpy()
        )
    return shares


def units_sold(panel: Panel, days: Days, rules: DemandRules) -> np.ndarray:
    """Units sold as a (series, width) table; NaN where unknown.

    Unknown is a day whose feed is missing, or whose row says closed or holds no number.
    """
    y = days.blank(panel.series.height)
    unknown = np.zeros(y.shape, dtype=bool)  # a row that states it: not the same as no row
    for located in _sales_in_parts(panel, days, "y", "is_open"):
        y[days.cells(located)] = located["y"].cast(pl.Float32).fill_null(np.nan).to_numpy()
        unknown[days.cells(located.filter(pl.col("y").is_null() | ~pl.col("is_open")))] = True
    if rules.absent_means_zero:
        y[np.isnan(y) & feed_arrived(panel, days, y)] = 0.0
    y[unknown] = np.nan
    return y


def _sales_in_parts(panel: Panel, days: Days, *values: str) -> Iterator[pl.DataFrame]:
    """entity_ix, day_ix and these columns of the sales on the axis, ROWS_AT_ONCE at a time."""
    for part in panel.sales.select("unique_id", "ds", *values).iter_slices(ROWS_AT_ONCE):
        yield locate(part, panel.series, days).filter(days.holds(pl.col("day_ix")))


def locate(facts: pl.DataFrame, series: pl.DataFrame, days: Days, ds: str = "ds") -> pl.DataFrame:
    """Facts of known series, sorted by them, with entity_ix (the row of `series`) and day_ix."""
    entity_ix = series_of_rows(facts["unique_id"], series)
    located = facts.with_columns(
        pl.Series("entity_ix", entity_ix), days.index(pl.col(ds)).alias("day_ix")
    )
    is_known = entity_ix != UNKNOWN_SERIES
    return located if is_known.all() else located.filter(pl.Series(is_known))


def feed_arrived(panel: Panel, days: Days, y: np.ndarray) -> np.ndarray:
    """(series, width) of booleans: where any series of the same feed has a number.

    `y`: (series, width) units, NaN where there is no row.
    """
    feed_ix = feed_index(panel.series)
    arrived = np.zeros((int(feed_ix.max(initial=0)) + 1, y.shape[1]), dtype=bool)
    if panel.arrivals is None:
        np.logical_or.at(arrived, feed_ix, ~np.isnan(y))
    else:
        rows = of_own_feeds(panel.arrivals.filter(pl.col("numbers") > 0), panel.series)
        located = rows.select(entity_ix="feed_ix", day_ix=days.index(pl.col("ds")))
        arrived[days.cells(located.filter(days.holds(pl.col("day_ix"))))] = True
    of_series: np.ndarray = arrived[feed_ix]
    return of_series
