"""Simulated prices: a usual price that now and then moves, and weekly promotions, planned ahead and
chain-wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from contract.frames import PRICES
from sources.simulator.world import BEYOND_DAYS, ITEM_PRICES, World, generator


@dataclass(frozen=True)
class PricePlan:
    """By item and week: the price, and whether it is a promotion. Weeks begin on Monday."""

    price: np.ndarray  # (items, weeks)
    promo: np.ndarray  # (items, weeks), bool
    week: np.ndarray  # (days,) week index of each day


def price_plan(world: World) -> PricePlan:
    """The price plan of every item over all simulated weeks; about `promo_share` of item-weeks are
    promotions.
    """
    days = world.days
    week = (np.arange(len(days)) + days[0].weekday()) // 7
    rng = generator(world.params.seed, ITEM_PRICES)
    shape = (len(world.base_price), int(week[-1]) + 1)
    moves = (rng.random(shape) < 1 / 30) * rng.choice([-0.05, 0.04, 0.06, 0.1], shape)
    usual = world.base_price[:, None] * np.exp(np.cumsum(moves, axis=1))
    promo = rng.random(shape) < world.params.promo_share
    discount = promo * rng.choice([0.1, 0.15, 0.2, 0.3], shape)
    return PricePlan(price=np.round(usual * (1 - discount), 2), promo=promo, week=week)


def price_periods(world: World, plan: PricePlan) -> pl.DataFrame:
    """PRICES of every series while it is on sale: weeks of equal price and promotion merged to one
    period.

    Known `BEYOND_DAYS` before it holds: the plan of the next horizon is always known at an origin.
    With `plan_days` each week is a period of its own, known so many days before, and the weeks that
    nobody knows yet on the last sales day are not there.
    """
    plan_days = world.params.plan_days
    periods = _item_periods(world, plan)
    if plan_days is not None:
        last_day = world.days[-1] - timedelta(days=BEYOND_DAYS)
        periods = periods.filter(pl.col("from_ds") <= last_day + timedelta(days=plan_days))
    series = world.series.select("unique_id").with_columns(item=pl.Series(world.item))
    ahead = timedelta(days=BEYOND_DAYS if plan_days is None else plan_days)
    known_at = (pl.col("from_ds") - ahead).cast(pl.Datetime("us"))
    joined = series.join(periods, on="item", how="left", maintain_order="left_right")
    return PRICES.conform(joined.with_columns(known_at=known_at)).sort("unique_id", "from_ds")


def _item_periods(world: World, plan: PricePlan) -> pl.DataFrame:
    """Runs of weeks of equal price and promotion, cut to the days the item is on sale.

    Where plans reach `plan_days` only, each week by itself: it is known later than the one before.
    """
    items, weeks = plan.price.shape
    frame = pl.DataFrame(
        {
            "item": np.repeat(np.arange(items), weeks),
            "week": np.tile(np.arange(weeks), items),
            "price": plan.price.ravel(),
            "promo": plan.promo.ravel().astype(float),
            "launch": np.repeat(world.launch_day, weeks),
            "end": np.repeat(np.minimum(world.end_day, len(world.days)), weeks),
        }
    )
    changed = pl.lit(world.params.plan_days is not None) | pl.any_horizontal(
        pl.col("item", "price", "promo") != pl.col("item", "price", "promo").shift()
    )
    runs = frame.with_columns(run=changed.fill_null(True).cum_sum()).group_by(
        "run", maintain_order=True
    )
    # in days since the first one; week 0 begins on the Monday before it
    monday = -world.days[0].weekday()
    begin = pl.max_horizontal(
        pl.col("week").first() * 7 + monday, pl.col("launch").first(), pl.lit(0)
    )
    end = pl.min_horizontal(pl.col("week").last() * 7 + 6 + monday, pl.col("end").first() - 1)
    periods = runs.agg(pl.col("item", "price", "promo").first(), begin=begin, end=end)
    first_day = pl.lit(world.days[0])
    from_ds, to_ds = (first_day + pl.duration(days=edge) for edge in ("begin", "end"))
    return periods.filter(pl.col("begin") <= pl.col("end")).select(
        "item", "price", "promo", from_ds=from_ds, to_ds=to_ds
    )
