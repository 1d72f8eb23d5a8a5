"""The hierarchy family: what the groups a series belongs to have been doing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from contract.agreement import SEASON_REACH
from contract.days import WEEK
from contract.errors import BadParams
from contract.feeds import FEED_COLUMN
from contract.levels import TOTAL as EVERYTHING
from contract.levels import joined, level_by
from contract.whole import Arrays, Table, Whole
from features.dense import column
from features.feature import Anchor, Feature
from features.windows import Window

# the window a group's level is measured over; of a year ago it lies around the day (SEASON_REACH)
LEVEL_DAYS = 28
COLUMNS_AT_ONCE = 64  # of a table summed by group; bounds its float64 copy

TOTAL, MEMBER_MEAN = pl.col("total"), pl.col("member_mean")


@dataclass(frozen=True)
class Grouping:
    """The groups that some columns make of a panel's series."""

    columns: tuple[str, ...]
    ix: np.ndarray  # for each series its group
    keys: pl.Series  # the groups, in that order

    @property
    def crosses_parts(self) -> bool:
        """Whether a group may lie in several parts of a panel: those of one store do not."""
        return FEED_COLUMN not in self.columns

    def numbers_in(self, series: pl.DataFrame) -> np.ndarray:
        """(groups,) the number of each among the groups of these series, its own among them."""
        everyone = group_keys(series, list(self.columns))
        numbers: np.ndarray = everyone.search_sorted(self.keys).to_numpy()
        return numbers


def grouping_by(series: pl.DataFrame, columns: list[str]) -> Grouping:
    """The groups of series by these columns."""
    return Grouping(tuple(columns), group_index(series, columns), group_keys(series, columns))


def sums_in_whole(
    whole: Whole, label: str, groupings: Mapping[str, Grouping], own: Mapping[str, Arrays]
) -> dict[str, Arrays]:
    """By grouping the sums by group that all parts of a panel add up to, of its own groups."""
    crossing = {
        f"{label} {name}": Table(groupings[name].keys, sums)
        for name, sums in own.items()
        if groupings[name].crosses_parts
    }
    totals = whole.totals(crossing)
    return {
        name: totals[f"{label} {name}"].of(groupings[name].keys)
        if groupings[name].crosses_parts
        else sums
        for name, sums in own.items()
    }


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
    return {"units": units, "known": known} | price_sums(members["price"], group_ix)


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


def price_sums(price: np.ndarray, group_ix: np.ndarray) -> dict[str, np.ndarray]:
    """(groups, days) sums of the known prices of the members, and how many those are."""
    total, priced = sum_by(price, group_ix, int(group_ix.max(initial=0)) + 1)
    return {"price": total, "priced": priced}


def mean_price(sums: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Group x day: the mean `price` of `price_sums`."""
    return pl.DataFrame({"price": _mean(sums["price"], sums["priced"])})


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
