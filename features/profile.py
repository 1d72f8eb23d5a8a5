"""What every feature looks like: a reference for schema checks, drift watchers and reviewers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contract.panel import Panel
from contract.params import TrainParams
from features.dense_panel import FeatureRecipe, vocabulary_of
from features.frame import category_names, feature_frame
from features.sampling import training_rows

DIGITS = 5  # float sums on two threads differ in the last bits between runs
_CATEGORIES = "categories"  # of a file's metadata


@dataclass(frozen=True)
class Sample:
    """Training rows of all blocks, of a panel or of one of its parts: a column of each feature, and
    which of them are codes.
    """

    frame: pl.DataFrame
    categories: tuple[str, ...]

    def write(self, file: Path) -> None:
        """As one Parquet file."""
        self.frame.write_parquet(file, metadata={_CATEGORIES: json.dumps(self.categories)})


def read_sample(file: Path) -> Sample:
    """The sample that was written."""
    categories = json.loads(pl.read_parquet_metadata(file)[_CATEGORIES])
    return Sample(pl.read_parquet(file, glob=False), tuple(categories))


def sample_of(recipe: FeatureRecipe, panel: Panel, train: TrainParams, rows: int) -> Sample:
    """About so many rows; of a part its share of those of all."""
    dense = recipe.dense_panel(panel, train.horizon, vocabulary_of(panel))
    hs, step = range(1, train.horizon + 1), train.origin_step_days
    drawn = training_rows(dense, hs, step, train.min_history_days, rows, train.seed)
    return Sample(feature_frame(dense, drawn), tuple(category_names(dense)))


def profile_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """rows, and per feature min, max, mean, share of nulls, and whether it is a code; over the
    samples of all parts of a panel.
    """
    frame = pl.concat([sample.frame for sample in samples])
    return {
        "rows": frame.height,
        "features": {
            name: {**_shape(frame[name]), "is_category": name in samples[0].categories}
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
