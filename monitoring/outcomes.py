"""Forecasts beside their actuals as tables a person reads: units, WAPE, bias, coverage and the PIT
by week ahead, velocity, group and level.

Nothing here raises an alert: it says where to look when something does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from contract.levels import SERIES_LEVEL
from contract.quantiles import INTERVALS, QUANTILES
from contract.sums import kept_frame, summed
from contract.whole import ALONE, Whole
from forecasting.pit import parts_below
from forecasting.slices import FAST_UNITS, SLOW_UNITS

OutcomeTables = dict[str, list[dict[str, Any]]]
COVERED = {"covered_50": 0.5, "covered_95": 0.95}
READ_AT = ("q025", "q250", "q500", "q750", "q975")  # the quantiles that a look reads of past tables
SUMS = ("y", "error", "absolute", *COVERED, *(f"below_{name}" for name in READ_AT), "rows")
TAUS = np.array([QUANTILES[name] for name in READ_AT])


def outcome_tables(
    actuals: pl.DataFrame,
    levels: pl.DataFrame,
    series: pl.DataFrame,
    columns: list[str],
    whole: Whole = ALONE,
) -> OutcomeTables:
    """by_week, by_velocity, by_<column> of `series`, by_level: plain rows of units sold, WAPE,
    bias, shares covered, PIT gap.

    `actuals` as with_actuals, `levels` as levels_with_actuals. Velocity is that of the forecast:
    slow, medium or fast units a day. PIT gap: the largest distance, in probability, between a
    quantile and the share of outcomes below it.
    """
    kinds = {"week": pl.Int32, **dict.fromkeys(["velocity", *columns, "level"], pl.String)}
    own = kept_frame(whole, "sums of outcomes", lambda: _sums_by(actuals, series, columns))
    of_all = summed(whole, "outcomes", own, ["of", "name"])
    if of_all.is_empty():
        return {}
    tables = {}
    for column, kind in kinds.items():
        named = of_all.filter(of=column).with_columns(pl.col("name").cast(kind).alias(column))
        tables[f"by_{column}"] = _table(named, column).sort(column)
    if levels.height:
        of_levels = _table(_sums(_judged(levels), "level"), "level")
        tables["by_level"] = pl.concat([of_levels, tables["by_level"]])
    return {name: table.to_dicts() for name, table in tables.items()}


def _sums_by(actuals: pl.DataFrame, series: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """of (week, velocity, a column of the series, level), name of its value, SUMS."""
    velocity = (
        pl.when(pl.col("y_hat") >= FAST_UNITS)
        .then(pl.lit("fast"))
        .when(pl.col("y_hat") >= SLOW_UNITS)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("slow"))
    )
    judged = _judged(actuals.with_columns(velocity=velocity, level=pl.lit(SERIES_LEVEL)))
    judged = judged.join(series.select("unique_id", *columns), on="unique_id", how="left")
    sums = [
        _sums(judged, column).select(
            pl.lit(column).alias("of"), pl.col(column).cast(pl.String).alias("name"), *SUMS
        )
        for column in ("week", "velocity", *columns, "level")
    ]
    return pl.concat(sums)


def _judged(actuals: pl.DataFrame) -> pl.DataFrame:
    """What a table sums of each row: y, error, absolute, those of COVERED, and the part of the
    outcome below each quantile.
    """
    covered = {
        name: pl.col("y").is_between(*INTERVALS[nominal]) for name, nominal in COVERED.items()
    }
    quantiles = actuals.select(READ_AT).to_numpy().T
    below = {
        f"below_{name}": part.astype(np.float32)
        for name, part in zip(
            READ_AT, parts_below(actuals["y"].to_numpy(), quantiles, TAUS), strict=True
        )
    }
    kept = [name for name in ("unique_id", "week", "velocity", "level") if name in actuals.columns]
    return actuals.select(
        *kept, "y", "error", absolute=pl.col("error").abs(), **covered
    ).with_columns(pl.Series(name, values) for name, values in below.items())


def _sums(judged: pl.DataFrame, column: str) -> pl.DataFrame:
    """SUMS of the rows of each of a column's values."""
    numbers = pl.col(name for name in SUMS if name != "rows")
    return judged.group_by(column, maintain_order=True).agg(
        numbers.cast(pl.Float64).sum(), rows=pl.len()
    )


def _table(sums: pl.DataFrame, column: str) -> pl.DataFrame:
    rows, units = pl.col("rows"), pl.col("y")
    below = zip(READ_AT, TAUS, strict=True)
    gap = pl.max_horizontal((pl.col(f"below_{name}") / rows - tau).abs() for name, tau in below)
    errors = (pl.col("absolute") / units).alias("wape"), (pl.col("error") / units).alias("bias")
    covered = pl.col(*COVERED) / rows
    return sums.select(column, units, *errors, covered, gap.alias("pit_gap"))
