"""The hierarchy family: what the groups a series belongs to have been doing."""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.errors import BadParams
from features.dense import column
from features.feature import Feature
from features.sales import weekday_mean, window_mean

LEVEL_DAYS = 28  # the window a group's level is measured over
SEASON_HALF = LEVEL_DAYS // 2

TOTAL, MEMBER_MEAN = pl.col("total"), pl.col("member_mean")


def table_name(columns: list[str]) -> str:
    """The dense table of one grouping: `store_id*dept_id`."""
    return "*".join(columns) or "total"


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
    keys = series.select(pl.concat_str(columns, separator="|").alias("key"))["key"]
    return keys.rank("dense").to_numpy().astype(np.int64) - 1


def group_table(members: dict[str, np.ndarray], group_ix: np.ndarray) -> pl.DataFrame:
    """Group x day: `total` units, `member_mean` units per launched member, mean `price`. Unknown where no member is known."""
    groups = int(group_ix.max(initial=0)) + 1
    total, known = sum_by(members["y"], group_ix, groups)
    price, priced = sum_by(members["price"], group_ix, groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "total": np.where(known > 0, total, np.nan),
            "member_mean": total / known,
            "price": price / priced,
        }
    return pl.DataFrame({name: column(values.astype(np.float32)) for name, values in columns.items()})


def hierarchy_features(columns: list[str], windows: list[int]) -> list[Feature]:
    """Level per member, trend, weekday profile and last year's season of one grouping, free of its size where possible."""
    table = table_name(columns)

    def read(name: str, anchor: str, expr: pl.Expr, ahead: int = 0, over: Feature | None = None) -> Feature:
        return Feature(f"hierarchy_{table}_{name}", "hierarchy", table, anchor, expr, ahead, over)

    level = read("level", "origin", window_mean(TOTAL, LEVEL_DAYS))
    last_year = read("last_year", "origin_year", window_mean(TOTAL, LEVEL_DAYS))
    trends = [
        read(f"trend_{days}", "origin", window_mean(TOTAL, days), over=level) for days in windows if days != LEVEL_DAYS
    ]
    return [
        read("member_mean", "origin", window_mean(MEMBER_MEAN, LEVEL_DAYS)),
        *trends,
        read("weekday", "weekday", weekday_mean(TOTAL, 4), over=level),
        read("season", "year", window_mean(TOTAL, LEVEL_DAYS), SEASON_HALF, over=last_year),
    ]


def sum_by(table: np.ndarray, group_ix: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """(groups, ...) sums of the known values of a (series, ...) table, and how many were known."""
    order = np.argsort(group_ix, kind="stable")
    starts = np.searchsorted(group_ix[order], np.arange(groups))
    ordered = table[order]
    known = ~np.isnan(ordered)
    sums = np.add.reduceat(np.where(known, ordered, ordered.dtype.type(0)), starts, axis=0, dtype=np.float64)
    return sums, np.add.reduceat(known, starts, axis=0, dtype=np.float32)
