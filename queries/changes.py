"""What changed since the table before: the same target days, as they were forecast then and are
now.
"""

from __future__ import annotations

import polars as pl

from contract.levels import TOTAL
from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.lineage import newest_tables
from storage.series import read_series
from storage.store import open_store

MOST_SERIES = 15
MOST_GROUPS = 60  # a level with more groups is a list nobody reads


def changes(params: Params, paths: Paths) -> Summary:
    """The newest whole table against the newest one from an earlier origin: units by group and by
    series, over the days both forecast.

    Without an earlier table `since` is None.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        tables, series = newest_tables(con, 2), read_series(con)
    if len(tables) < 2:
        return {"since": None, "groups": {}, "series": []}
    now, before = tables
    both = _side_by_side(now, before).join(series, on="unique_id", how="left", validate="m:1")
    levels = [columns[0] for columns in params.source.levels if len(columns) == 1]
    shown = [
        name for name in levels if name in series.columns and series[name].n_unique() <= MOST_GROUPS
    ]
    return {
        "since": before["origin"][0],
        "origin": now["origin"][0],
        "days": both["ds"].n_unique(),
        "has_other_methods": _methods(now) != _methods(before),
        "groups": {name: _moved(both, name).to_dicts() for name in [TOTAL, *shown]},
        "series": _moved(both, "unique_id").head(MOST_SERIES).to_dicts(),
    }


def _side_by_side(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    keys = ["unique_id", "ds"]
    return now.select(*keys, now="y_hat").join(
        before.select(*keys, before="y_hat"), on=keys, how="inner", validate="1:1"
    )


def _moved(both: pl.DataFrame, level: str) -> pl.DataFrame:
    """group, before, now, moved (units), the most moved first."""
    group = pl.lit(TOTAL) if level == TOTAL else pl.col(level)
    sums = both.group_by(group.alias("group")).agg(pl.col("before", "now").sum().round(3))
    moved = sums.with_columns(moved=(pl.col("now") - pl.col("before")).round(3))
    return moved.sort([pl.col("moved").abs(), "group"], descending=[True, False])


def _methods(table: pl.DataFrame) -> dict[str, int]:
    """Rows by what made them: another method is another forecast, whatever the data say."""
    return dict(table.group_by("method").len().sort("method").rows())
