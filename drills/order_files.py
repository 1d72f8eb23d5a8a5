"""The right files of a morning on which is ordered: stock at every close of the last days, and how
all series are supplied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

DAYS = 8  # of stock, the last that before the order
COVER_DAYS = 1  # of demand in hand on average: most series are to be ordered
ORDERED_SHARE = 0.3  # of series have a delivery on its way
_EVERY_DAY = "1 2 3 4 5 6 7"


@dataclass(frozen=True)
class OrderFiles:
    """`stock`: unique_id, store_id, ds, on_hand, on_order, due_ds, a row for each series and close.
    `supply`: rows of a supply file, for departments their terms, for items what they cost.
    """

    stock: pl.DataFrame
    supply: pl.DataFrame

    @property
    def last_day(self) -> date:
        """The close before the order."""
        last: date = self.stock.select(pl.max("ds")).item()
        return last

    def at_close(self, days_before: int = 0) -> pl.DataFrame:
        """The stock at the close so many days before the last."""
        return self.stock.filter(ds=self.last_day - timedelta(days=days_before))


def order_files(sales: pl.DataFrame, series: pl.DataFrame, seed: int) -> OrderFiles:
    """Of sales (unique_id, ds, y) up to the day before the order: nothing arrived in the last DAYS,
    so what was in hand at a close is what is left and what sold since.
    """
    rng, last = np.random.default_rng(seed), sales.select(pl.max("ds")).item()
    recent = sales.filter(pl.col("ds") > last - timedelta(days=DAYS)).select("unique_id", "ds", "y")
    daily = recent.group_by("unique_id").agg(daily=pl.col("y").mean())
    left = series.select("unique_id", "store_id").join(daily, on="unique_id").sort("unique_id")
    usual = left["daily"].to_numpy() * COVER_DAYS
    is_ordered = pl.Series(rng.random(left.height) < ORDERED_SHARE)
    left = left.select(
        "unique_id",
        "store_id",
        left=pl.Series(rng.poisson(usual * rng.uniform(0.2, 2.0, left.height)) * 1.0),
        on_order=pl.when(is_ordered).then(pl.Series(np.ceil(usual))),
        due_ds=pl.when(is_ordered).then(last + timedelta(days=2)),
    )
    days = pl.DataFrame({"ds": pl.date_range(last - timedelta(days=DAYS - 1), last, eager=True)})
    every = left.join(days, how="cross").join(recent, on=["unique_id", "ds"], how="left")
    from_then_on = pl.col("y").fill_null(0.0).cum_sum(reverse=True).over("unique_id", order_by="ds")
    stock = every.with_columns(on_hand=pl.col("left") + from_then_on - pl.col("y").fill_null(0.0))
    columns = ["unique_id", "store_id", "ds", "on_hand", "on_order", "due_ds"]
    return OrderFiles(stock.select(columns).sort("ds", "unique_id"), _supply(series))


def _supply(series: pl.DataFrame) -> pl.DataFrame:
    """Everything is ordered every day for the next: the first department perishes in three days,
    the others come in packs.
    """
    departments = series["dept_id"].unique().sort()
    is_fresh = departments == departments[0]
    terms = pl.DataFrame(
        {
            "dept_id": departments,
            "order_days": [_EVERY_DAY] * len(departments),
            "lead_days": ["1"] * len(departments),
            "pack_size": pl.Series([None if fresh else 3.0 for fresh in is_fresh]),
            "shelf_life_days": pl.Series([3 if fresh else None for fresh in is_fresh]),
        }
    )
    items = pl.DataFrame({"item_id": series["item_id"].unique().sort()})
    costs = items.with_columns(unit_cost=pl.lit(2.0), margin=pl.lit(1.0))
    return pl.concat([terms, costs], how="diagonal")
