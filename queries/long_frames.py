"""Our tables in the shape of Nixtla's libraries: `unique_id, ds, cutoff, y`, then model columns and
their intervals.

`tillcast` is the mean, `tillcast-median` the median, `tillcast-lo-95` and `tillcast-hi-95` the ends
of the 95% interval: what utilsforecast, statsforecast, mlforecast and hierarchicalforecast read and
write. A cutoff is our origin.
"""

from __future__ import annotations

import polars as pl

from contract.levels import SERIES_LEVEL, Level, level_called
from contract.quantiles import QUANTILES

MODEL = "tillcast"
KEYS = ("unique_id", "ds", "cutoff", "y")


def forecasts_long(forecasts: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    """FORECASTS as a long frame, y where the day is known, else null; sorted by series and day."""
    actuals = sales.select("unique_id", "ds", "y")
    rows = forecasts.join(
        actuals, on=["unique_id", "ds"], how="left", maintain_order="left", validate="m:1"
    )
    return _long(rows)


def final_long(final: pl.DataFrame, overrides: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    """What is final beside the model's mean: the keys, `tillcast`, `tillcast-final`, and override,
    who and why (null: the model's number stands). Sorted by series and day.

    A frame of its own: Nixtla's libraries take every further column of a forecast for a model.
    """
    said = overrides.select("override_id", "made_by", why="reason")
    rows = final.join(said, on="override_id", how="left", validate="m:1").join(
        sales.select("unique_id", "ds", "y"), on=["unique_id", "ds"], how="left", validate="m:1"
    )
    named = {MODEL: "model", f"{MODEL}-final": "y_hat"}
    columns = ["unique_id", "ds", pl.col("origin").alias("cutoff"), "y"]
    means = [pl.col(ours).alias(theirs) for theirs, ours in named.items()]
    return rows.select(*columns, *means, "override_id", "made_by", "why").sort("unique_id", "ds")


def levels_long(levels: pl.DataFrame, own: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """FORECAST_LEVELS as a long frame; `unique_id` is `level/group` (`store_id/CA_1`), one name
    among all levels.

    y is the sum over the group's series, from their own long frame `own`; null while none of them
    is known.
    """
    placed = own.select("unique_id", "ds", "y").join(
        series, on="unique_id", how="left", validate="m:1"
    )
    names = levels["level"].unique(maintain_order=True)
    actuals = pl.concat([_actuals_of(placed, name) for name in names])
    keys = ["level", "group_key", "ds"]
    rows = levels.join(actuals, on=keys, how="left", validate="m:1")
    return _long(rows.with_columns(unique_id=group_id()))


def backtest_long(backtest: pl.DataFrame) -> pl.DataFrame:
    """The backtest as a long frame: one column per model, one row per cutoff, series and day whose
    actual is known.
    """
    models = [name for name in backtest.columns if name not in (*KEYS, "h")]
    return (
        backtest.filter(pl.col("y").is_not_null())
        .select(*KEYS, *models)
        .sort("unique_id", "cutoff", "ds")
    )


def tags_of(forecasts: pl.DataFrame, levels: pl.DataFrame) -> dict[str, list[str]]:
    """Level to the unique_ids on it, from the top to the series: hierarchicalforecast's `tags`."""
    groups = levels.select("level", unique_id=group_id()).unique(maintain_order=True)
    tags = {
        level: groups.filter(level=level)["unique_id"].to_list()
        for level in groups["level"].unique(maintain_order=True)
    }
    return {**tags, SERIES_LEVEL: forecasts["unique_id"].unique().sort().to_list()}


def members_of(forecasts: pl.DataFrame, levels: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """unique_id, series: which series every group of every level sums, each series itself included;
    groups in the order of the tags.

    Pivoted, it is hierarchicalforecast's summing matrix `S_df`; as rows it stays small (366,000 at
    M5's size, not 42,840 x 30,490).
    """
    placed = (
        forecasts.select("unique_id")
        .unique()
        .join(series, on="unique_id", how="left", validate="1:1")
    )
    names = [*levels["level"].unique(maintain_order=True), SERIES_LEVEL]
    named = [level_called(name) for name in names]
    rows = [placed.select(unique_id=_id_on(level), series="unique_id") for level in named]
    order = pl.DataFrame(
        {"unique_id": [one for ids in tags_of(forecasts, levels).values() for one in ids]}
    )
    return order.join(
        pl.concat(rows).sort("series"), on="unique_id", how="left", maintain_order="left_right"
    )


def group_id() -> pl.Expr:
    """The name of a group among all groups."""
    return pl.concat_str("level", "group_key", separator="/")


def interval_names() -> dict[str, str]:
    """Our quantile columns by Nixtla's names: q025 is `tillcast-lo-95`, q975 `tillcast-hi-95`, q500
    `tillcast-median`.
    """
    names = {}
    for column, share in QUANTILES.items():
        level = round(abs(1 - 2 * share) * 100)
        side = "median" if share == 0.5 else f"{'lo' if share < 0.5 else 'hi'}-{level}"
        names[column] = f"{MODEL}-{side}"
    return names


def _id_on(level: Level) -> pl.Expr:
    """The long frames' unique_id of the group a series belongs to on this level."""
    key = level.group_key
    return (
        key if level.name == SERIES_LEVEL else pl.concat_str(pl.lit(level.name), key, separator="/")
    )


def _actuals_of(placed: pl.DataFrame, name: str) -> pl.DataFrame:
    """level, group_key, ds, y of one level."""
    level = level_called(name)
    known = pl.when(pl.col("y").is_not_null().any()).then(pl.col("y").sum())
    return (
        placed.group_by(level.group_key, "ds")
        .agg(known.alias("y"))
        .select(pl.lit(name).alias("level"), "group_key", "ds", "y")
    )


def _long(rows: pl.DataFrame) -> pl.DataFrame:
    named = {ours: pl.col(ours).alias(theirs) for ours, theirs in interval_names().items()}
    columns = [
        "unique_id",
        "ds",
        pl.col("origin").alias("cutoff"),
        "y",
        pl.col("y_hat").alias(MODEL),
        *named.values(),
    ]
    return rows.select(columns).sort("unique_id", "ds")
