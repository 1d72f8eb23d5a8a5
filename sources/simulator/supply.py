"""How the simulated chain is supplied, and what is in hand on its last day, faults included."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import polars as pl
from numpy.random import Generator

from contract.frames import STOCK as STOCK_FRAME
from sources.simulator.simulation import REPORTED_AT, Simulation
from sources.simulator.world import DEPARTMENTS, STOCK, generator

# by department: fresh ones are ordered every day for the next and keep for days, dry goods come in
# packs twice a week, some a day late
_FRESH = {"order_days": "1 2 3 4 5 6 7", "lead_days": "1"}
_DRY = {"order_days": "1 4", "lead_days": "2"}
_TERMS: dict[str, dict[str, object]] = {
    "FOODS_1": _FRESH | {"shelf_life_days": 3.0},
    "FOODS_2": _FRESH | {"shelf_life_days": 7.0, "pack_size": 2.0},
    "FOODS_3": _DRY | {"pack_size": 6.0},
    "HOBBIES_1": _DRY | {"pack_size": 12.0, "min_order": 12.0},
    "HOBBIES_2": {"order_days": "2", "lead_days": "2:0.8 3:0.2", "pack_size": 6.0},
    "HOUSEHOLD_1": _DRY | {"lead_days": "2:0.8 3:0.2", "pack_size": 6.0, "min_order": 6.0},
    "HOUSEHOLD_2": _DRY | {"pack_size": 12.0},
}
_COST_SHARE = {"FOODS": 0.7, "HOBBIES": 0.55, "HOUSEHOLD": 0.6}  # of the usual price
_COVER_DAYS = {"FOODS_1": 2, "FOODS_2": 3}  # days of demand a sensible policy holds; else a week
_LONG_COVER_DAYS = 7
_ON_ORDER_SHARE = 0.3  # of series have an order open
# shares of series of which the stock is not said, was counted days ago, or is below nothing
_MISSING, _STALE, _NEGATIVE = 0.02, 0.03, 0.01
_STALE_DAYS = 5


def supply_file(simulation: Simulation) -> pl.DataFrame:
    """The supply file: a row for each department with its terms, and one for each item with what it
    costs; known since the first day.
    """
    world = simulation.world
    departments = pl.DataFrame([{"dept_id": name, **_TERMS[name]} for name in DEPARTMENTS])
    category = np.array([name.rsplit("_", 1)[0] for name in DEPARTMENTS])[world.dept]
    share = np.array([_COST_SHARE[name] for name in category])
    cost = np.round(world.base_price * share, 2)
    items = pl.DataFrame(
        {
            "item_id": simulation.series["item_id"].unique(maintain_order=True),
            "unit_cost": cost,
            "margin": np.round(world.base_price - cost, 2),
        }
    )
    known_at = datetime.combine(simulation.params.start, time())
    rows = pl.concat([departments, items], how="diagonal")
    return rows.with_columns(known_at=pl.lit(known_at, pl.Datetime("us")))


def stock_file(simulation: Simulation) -> pl.DataFrame:
    """The stock at the close of the last day: in hand about what a sensible policy holds,
    some on order; a few series are missing, were counted days ago, or stand below nothing.
    """
    rng, day = generator(simulation.params.seed, STOCK), simulation.last_day
    rows = simulation.series
    cover = rows["dept_id"].replace_strict(_COVER_DAYS, default=_LONG_COVER_DAYS).to_numpy()
    target = cover * _units_a_day(simulation)
    rows = rows.select(
        "unique_id",
        ds=pl.lit(day),
        on_hand=pl.Series(rng.poisson(target * rng.uniform(0.3, 1.3, rows.height)) * 1.0),
        on_order=pl.Series(rng.poisson(target) * 1.0),
        due_ds=pl.lit(day) + pl.duration(days=pl.Series(rng.integers(1, 4, rows.height))),
    )
    rows = _with_faults(_some_on_order(rows, rng), rng)
    known_at = datetime.combine(day, time()) + REPORTED_AT
    return rows.with_columns(known_at=pl.lit(known_at, STOCK_FRAME.columns["known_at"]))


def stock_name(day: date) -> str:
    """The name of a day's file of stock."""
    return f"stock_{day.isoformat()}.csv"


def _units_a_day(simulation: Simulation) -> np.ndarray:
    """By series, about what it sells a day; 0 once it is off sale."""
    world = simulation.world
    is_on_sale = world.end_day[world.item] >= simulation.params.days
    return world.rate[world.item] * np.exp(world.size[world.store]) * is_on_sale


def _some_on_order(rows: pl.DataFrame, rng: Generator) -> pl.DataFrame:
    """The rows, most without an order."""
    is_open = pl.Series(rng.random(rows.height) < _ON_ORDER_SHARE) & (pl.col("on_order") > 0)
    return rows.with_columns(
        pl.when(is_open).then(name).alias(name) for name in ("on_order", "due_ds")
    )


def _with_faults(rows: pl.DataFrame, rng: Generator) -> pl.DataFrame:
    """The rows with some missing, some of an earlier day, some below nothing."""
    draw = pl.Series(rng.random(rows.height))
    is_missing = draw < _MISSING
    is_stale = (draw >= _MISSING) & (draw < _MISSING + _STALE)
    is_below = draw >= 1 - _NEGATIVE
    earlier = pl.col("ds") - pl.duration(days=_STALE_DAYS)
    return rows.with_columns(
        ds=pl.when(is_stale).then(earlier).otherwise("ds"),
        on_hand=pl.when(is_below).then(-pl.col("on_hand") - 1).otherwise("on_hand"),
    ).filter(~is_missing)
