"""A panel made dense, and the features read from it: what every test of features needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.panel import Panel
from contract.params import FeatureParams
from features.dense_panel import DensePanel, build_dense_panel, vocabulary_of
from features.frame import Rows, feature_frame


@pytest.fixture(scope="session")
def dense_of(feature_params: FeatureParams) -> Callable[..., DensePanel]:
    """`dense_of(panel, horizon=28, region="state_id", zeros=True, **changed_params)`.

    A dense panel with all families on.
    """

    def built(
        panel: Panel,
        horizon: int = 28,
        region: str | None = "state_id",
        zeros: bool = True,
        **changes,
    ) -> DensePanel:
        features = FeatureParams(**feature_params.model_dump() | changes)
        rules = DemandRules(zeros, features.max_stockout_share, region)
        return build_dense_panel(panel, features, horizon, vocabulary_of(panel), rules)

    return built


@pytest.fixture(scope="session")
def frame_at() -> Callable[..., pl.DataFrame]:
    """`frame_at(dense, origin_ix, hs)`: the features of every series at one origin.

    unique_id stands in front.
    """

    def read(dense: DensePanel, origin_ix: int, hs: list[int]) -> pl.DataFrame:
        series = np.repeat(np.arange(dense.series.height, dtype=np.int32), len(hs))
        h = np.tile(np.array(hs, dtype=np.int32), dense.series.height)
        rows = Rows(series, np.full(len(h), origin_ix, dtype=np.int32), h)
        return feature_frame(dense, rows).insert_column(0, dense.series["unique_id"].gather(series))

    return read


@pytest.fixture(scope="session")
def row_at(dense_of, frame_at) -> Callable[..., dict[str, float | None]]:
    """`row_at(panel, origin_ix, h, unique_id="a", **changed_params)`: one row as a mapping."""

    def read(
        panel: Panel, origin_ix: int, h: int, unique_id: str = "a", **changes
    ) -> dict[str, float | None]:
        return (
            frame_at(dense_of(panel, **changes), origin_ix, [h])
            .filter(unique_id=unique_id)
            .row(0, named=True)
        )

    return read
