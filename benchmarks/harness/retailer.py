"""A made-up retailer of M5's size for benchmarks that need no real data: Poisson units, ten stores,
seven departments.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from contract.frames import REFUSED
from contract.received import Received

SERIES, DAYS, FIRST = 30_490, 447, date(2015, 3, 3)
MEAN_UNITS = 1.1
STORES = [
    f"{state}_{k}"
    for state, count in (("CA", 4), ("TX", 3), ("WI", 3))
    for k in range(1, count + 1)
]
DEPARTMENTS = [
    "FOODS_1",
    "FOODS_2",
    "FOODS_3",
    "HOBBIES_1",
    "HOBBIES_2",
    "HOUSEHOLD_1",
    "HOUSEHOLD_2",
]


def assortment(series: int = SERIES) -> pl.DataFrame:
    """The series and the levels they stand in."""
    item, store = np.arange(series) // len(STORES), np.arange(series) % len(STORES)
    department = [DEPARTMENTS[k % len(DEPARTMENTS)] for k in item]
    items = [f"{dept}_{k:04d}" for dept, k in zip(department, item, strict=True)]
    stores = [STORES[k] for k in store]
    return pl.DataFrame(
        {
            "unique_id": [f"{one}_{place}" for one, place in zip(items, stores, strict=True)],
            "state_id": [place[:2] for place in stores],
            "store_id": stores,
            "cat_id": [dept.split("_")[0] for dept in department],
            "dept_id": department,
            "item_id": items,
        }
    ).sort("unique_id")


def sales(
    series: pl.DataFrame, first: date, days: int, known: bool = True, seed: int = 5
) -> pl.DataFrame:
    """One row per series and day, series by series; known on the morning after, or not said."""
    paces = np.random.default_rng(seed).gamma(
        0.6, MEAN_UNITS / 0.6, series.height
    )  # each series its own, or a day looks mixed up
    y = (
        np.random.default_rng([seed, first.toordinal()])
        .poisson(np.repeat(paces, days))
        .astype(np.float64)
    )
    calendar = pl.Series([first + timedelta(days=k) for k in range(days)])
    at_series, at_day = (
        np.repeat(np.arange(series.height), days),
        np.tile(np.arange(days), series.height),
    )
    rows = pl.DataFrame(
        {"unique_id": series["unique_id"].gather(at_series), "ds": calendar.gather(at_day), "y": y}
    )
    morning = pl.lit(time(6))
    learned = (
        pl.col("ds").dt.offset_by("1d").dt.combine(morning)
        if known
        else pl.lit(None, pl.Datetime("us"))
    )
    return rows.with_columns(
        known_at=learned.cast(pl.Datetime("us")), is_open=None, stockout_share=None
    ).cast({"is_open": pl.Boolean, "stockout_share": pl.Float64})


def received(rows: pl.DataFrame, series: pl.DataFrame | None, is_history: bool = False) -> Received:
    """The rows as a source hands them over."""
    numbered = rows.with_columns(
        row_number=pl.int_range(1, pl.len() + 1), lines=pl.lit(1, pl.Int64)
    )
    return Received("sales", numbered, REFUSED.empty(), rows.height, series, is_history=is_history)


def morning_after(day: date) -> datetime:
    """When a day's file arrives."""
    return datetime.combine(day + timedelta(days=1), time(5))
