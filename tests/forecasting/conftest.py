"""A panel with a signal to learn, forecasters that cheat or spy, and a fitted model to share."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.panel import Panel, panel_of
from contract.params import FeatureParams, TrainParams
from features.dense_panel import FeatureRecipe
from forecasting.calibration import learn_groups
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration
from forecasting.scoring import calibration_json

BY_STATE = DemandRules(absent_means_zero=True, max_stockout_share=0.25, region="state_id")

WEEK_SHAPE = np.array([0.4, 0.5, 0.8, 1.0, 1.4, 2.2, 0.7])


@pytest.fixture(scope="session")
def weekly_panel() -> Panel:
    """Thirty series, 200 days: Poisson around a level with a strong week, nothing else to learn."""
    rng = np.random.default_rng(17)
    series, days = 30, 200
    mean = rng.uniform(3, 9, series)[:, None] * WEEK_SHAPE[np.arange(days) % 7][None, :]
    ids = [f"I{k:02d}_S1" for k in range(series)]
    first = date(2024, 1, 1)
    ds = [first + timedelta(days=k) for k in range(days)]
    sales = pl.DataFrame(
        {
            "unique_id": np.repeat(ids, days),
            "ds": ds * series,
            "y": rng.poisson(mean).astype(float).ravel(),
            "known_at": [
                datetime.combine(day, datetime.min.time()) + timedelta(days=1) for day in ds
            ]
            * series,
        }
    )
    frame = pl.DataFrame({"unique_id": ids, "item_id": [i[:3] for i in ids]}).with_columns(
        dept_id=pl.lit("D0"), store_id=pl.lit("S1"), state_id=pl.lit("AA")
    )
    return panel_of(sales, frame, panel_hash="weekly")


@pytest.fixture(scope="session")
def unfitted(
    feature_params: FeatureParams, train_params: TrainParams
) -> Callable[..., GlobalLightGBM]:
    """`unfitted(strategy="recursive", ...)`: a forecaster with tiny trees and few features."""
    few = {"windows": [7, 28], "year_windows": [], "known_future": [], "past_only": []}

    def make(**changes) -> GlobalLightGBM:
        recipe = FeatureRecipe(FeatureParams(**feature_params.model_dump() | few), BY_STATE)
        return GlobalLightGBM(TrainParams(**train_params.model_dump() | changes), recipe)

    return make


@pytest.fixture(scope="session")
def nasty_panel(make_panel) -> Panel:
    """Gaps, launches, closed days; 130 days."""
    return make_panel(series=8, days=130, seed=4)


@pytest.fixture(scope="session")
def fitted(unfitted, nasty_panel) -> GlobalLightGBM:
    """Fitted on the nasty panel; do not fit it again."""
    return unfitted().fit(nasty_panel)


@pytest.fixture
def backtest(tmp_path: Path) -> Path:
    """The folder in which evaluate.py leaves its calibration."""
    rng = np.random.default_rng(1)
    weeks = learn_groups(rng.gamma(1, 3, (20, 14)), rng.poisson(3, (20, 14)).astype(float), 2)
    calibrations = {
        name: Calibration({"series": weeks}) for name in ("global_lightgbm", "seasonal_naive")
    }
    (tmp_path / "backtest").mkdir()
    (tmp_path / "backtest" / "calibration.json").write_text(
        json.dumps(calibration_json(calibrations)), encoding="utf-8"
    )
    return tmp_path / "backtest"
