"""Laying a panel out and asking it, as every test of features does."""

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
def lay(feature_params: FeatureParams) -> Callable[..., DensePanel]:
    """`lay(panel, horizon=28, region="state_id", zeros=True, **changed_params)`: a dense with all
    families on.
    """

    def laid(
        panel: Panel,
        horizon: int = 28,
        region: str | None = "state_id",
        zeros: bool = True,
        **changes,
    ) -> DensePanel:
        features = FeatureParams(**feature_params.model_dump() | changes)
        rules = DemandRules(zeros, features.max_stockout_share, region)
        return build_dense_panel(panel, features, horizon, vocabulary_of(panel), rules)

    return laid


@pytest.fixture(scope="session")
def ask() -> Callable[..., pl.DataFrame]:
    """`ask(dense, origin_ix, hs)`: the feature frame of every series at one origin, with series_ix
    in front.
    """

    def asked(dense: DensePanel, origin_ix: int, hs: list[int]) -> pl.DataFrame:
        series = np.repeat(np.arange(dense.series.height, dtype=np.int32), len(hs))
        h = np.tile(np.array(hs, dtype=np.int32), dense.series.height)
        rows = Rows(series, np.full(len(h), origin_ix, dtype=np.int32), h)
        return feature_frame(dense, rows).insert_column(0, dense.series["unique_id"].gather(series))

    return asked


@pytest.fixture(scope="session")
def ask_one(lay, ask) -> Callable[..., dict[str, float | None]]:
    """`ask_one(panel, origin_ix, h, unique_id="a", **changed_params)`: one row of the feature frame
    as a mapping.
    """

    def asked(
        panel: Panel, origin_ix: int, h: int, unique_id: str = "a", **changes
    ) -> dict[str, float | None]:
        return (
            ask(lay(panel, **changes), origin_ix, [h])
            .filter(unique_id=unique_id)
            .row(0, named=True)
        )

    return asked
