"""The hierarchy family: what the groups a series belongs to have been doing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from contract.agreement import SEASON_REACH
from contract.days import WEEK
from contract.errors import BadParams
from contract.levels import TOTAL as EVERYTHING
from contract.levels import joined, level_by
from features.dense import column
from features.feature import Anchor, Feature
from features.windows import Window

# the window a group's level is measured over; of a year ago it lies around the day (SEASON_REACH)
LEVEL_DAYS = 28
COLUMNS_AT_ONCE = 64  # of a table summed by group; bounds its float64 copy

TOTAL, MEMBER_MEAN = pl.col("total"), pl.col("member_mean")


def table_name(columns: list[str]) -> str:
    """The dense table of one grouping: `store_id*dept_id`."""
    return level_by(columns).name


def group_index(series: pl.DataFrame, columns: list[str]) -> np.ndarray:
    """For each series the index of its group. BadParams for a column the series do not have."""
    missing = [name for name in columns if name not in series.columns]
    if missing:
        raise BadParams(
            f"features.hierarchy names {missing}, but the series have {series.columns[1:]}. "
            "Name columns of source.files.hierarchy, or empty the list."
        )
    if not columns:
        return np.zeros(series.height, dtype=np.int64)
    keys = series.select(joined(columns).alias("key"))["key"]
    return keys.rank("dense").to_numpy().astype(np.int64) - 1


def group_keys(series: pl.DataFrame, columns: list[str]) -> pl.Series:
    """The groups that `group_index` counts, in its order (contract.levels.joined)."""
    if not columns:
        return pl.Series([EVERYTHING])
    return series.select(joined(columns).alias("key"))["key"].unique().sort()


def group_sums(members: dict[str, np.ndarray], group_ix: np.ndarray) -> dict[str, np.ndarray]:
    """(groups, days) units and prices of the members, and how many of each are known."""
    groups = int(group_ix.max(initial=0)) + 1
    units, known = sum_by(members["y"], group_ix, groups)
    price, priced = sum_by(members["price"], group_ix, groups)
    return {"units": units, "known": known, "price": price, "priced": priced}


def table_of_sums(sums: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Group x day: `total` units, `member_mean` units per launched member, mean `price`.

    Unknown where no member is known.
    """
    units, known = sums["units"], sums["known"]
    total = np.where(known > 0, units, np.nan)
    return pl.DataFrame(
        {
            "total": column(total.astype(np.float32)),
            "member_mean": _mean(units, known),
            "price": _mean(sums["price"], sums["priced"]),
        }
    )


def group_table(members: dict[str, np.ndarray], group_ix: np.ndarray) -> pl.DataFrame:
    """`table_of_sums` of a panel that is the whole."""
    return table_of_sums(group_sums(members, group_ix))


def group_price(price: np.ndarray, group_ix: np.ndarray) -> pl.DataFrame:
    """Group x day: the mean `price` of the members whose price is known."""
    total, priced = sum_by(price, group_ix, int(group_ix.max(initial=0)) + 1)
    return pl.DataFrame({"price": _mean(total, priced)})


def _mean(total: np.ndarray, known: np.ndarray) -> pl.Series:
    """A dense column of means over what is known; null where nothing is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return column((total / known).astype(np.float32))


def hierarchy_features(columns: list[str], windows: list[int]) -> list[Feature]:
    """Level per member, trend, weekday profile and last year's season of one grouping.

    Free of the group's size where possible.
    """
    table = table_name(columns)

    def read(
        name: str, anchor: Anchor, window: Window, expr: pl.Expr = TOTAL, ahead: int = 0
    ) -> Feature:
        name = f"hierarchy_{table}_{name}"
        return Feature(name, "hierarchy", table, anchor, expr, ahead, window)

    month = Window(LEVEL_DAYS)
    level, last_year = read("level", "origin", month), read("last_year", "origin_year", month)
    trends = [read(f"trend_{n}", "origin", Window(n)) for n in windows if n != LEVEL_DAYS]
    weekday = read("weekday", "weekday", Window(4, WEEK))
    season = read("season", "year", month, ahead=SEASON_REACH)
    return [
        read("member_mean", "origin", month, MEMBER_MEAN),
        *(replace(feature, over=level) for feature in [*trends, weekday]),
        replace(season, over=last_year),
    ]


def sum_by(table: np.ndarray, group_ix: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """(groups, ...) sums of the known values of a (series, ...) table, and how many were known."""
    from scipy.sparse import csr_matrix

    members = len(group_ix)
    belongs = csr_matrix(
        (np.ones(members), (group_ix, np.arange(members))), shape=(groups, members)
    )
    flat = table.reshape(members, math.prod(table.shape[1:]))
    sums = np.empty((groups, flat.shape[1]))
    counts = np.empty(sums.shape, dtype=np.float32)
    for first in range(0, flat.shape[1], COLUMNS_AT_ONCE):
        at = slice(first, first + COLUMNS_AT_ONCE)
        known = ~np.isnan(flat[:, at])
        sums[:, at], counts[:, at] = belongs @ np.where(known, flat[:, at], 0.0), belongs @ known
    return sums.reshape(groups, *table.shape[1:]), counts.reshape(groups, *table.shape[1:])
