"""What every feature looks like: a reference for schema checks, drift watchers and reviewers."""

from __future__ import annotations

from typing import Any

import polars as pl

from contract.panel import Panel
from contract.params import TrainParams
from features.dense_panel import FeatureRecipe, vocabulary_of
from features.frame import category_names, feature_frame
from features.sampling import training_rows

DIGITS = 5  # float sums on two threads differ in the last bits between runs


def profile_features(
    recipe: FeatureRecipe, panel: Panel, train: TrainParams, rows: int
) -> dict[str, Any]:
    """rows, and per feature min, max, mean, share of nulls, and whether it is a code.

    Over a sample of training rows of all blocks.
    """
    dense = recipe.dense_panel(panel, train.horizon, vocabulary_of(panel))
    hs = range(1, train.horizon + 1)
    sample = training_rows(
        dense, hs, train.origin_step_days, train.min_history_days, rows, train.seed
    )
    frame = feature_frame(dense, sample)
    categories = set(category_names(dense))
    return {
        "rows": len(sample),
        "features": {
            name: {**_shape(frame[name]), "is_category": name in categories}
            for name in frame.columns
        },
    }


def _shape(values: pl.Series) -> dict[str, float | None]:
    known = values.cast(pl.Float64).drop_nulls().drop_nans().to_frame("value")
    if known.is_empty():
        return {"min": None, "max": None, "mean": None, "null_share": 1.0}
    value = pl.col("value")
    numbers: dict[str, float] = known.select(
        min=value.min(),
        max=value.max(),
        mean=value.mean(),
        null_share=pl.lit(1 - known.height / len(values)),
    ).row(0, named=True)
    return {name: float(f"{number:.{DIGITS}g}") for name, number in numbers.items()}
