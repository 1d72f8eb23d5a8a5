"""One forecast taken apart: contributions add up, and the steps end at the model's number."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import BadUsage
from contract.params import GroupParams, TrainParams
from features.dense_panel import FeatureRecipe
from forecasting.explain import explain
from forecasting.global_lightgbm import GlobalLightGBM

BY_STATE = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region="state_id")


def fitted(panel, feature_params, train_params, **changes) -> GlobalLightGBM:
    params = TrainParams(**train_params.model_dump() | changes)
    return GlobalLightGBM(params, FeatureRecipe(feature_params, BY_STATE)).fit(panel)


def assert_every_cell_is_accounted_for(model, panel, horizon: int) -> None:
    rows = model.forecast(panel, panel.last_day, horizon)
    for row in rows.filter(pl.int_range(pl.len()) % 7 == 0).to_dicts():
        explanation = explain(model, panel, panel.last_day, horizon, row["unique_id"], row["ds"])
        assert explanation.y_hat == (
            row["y_hat"]
            if row["y_hat"] is None
            else pytest.approx(row["y_hat"], rel=1e-9, abs=1e-9)
        )
        assert explanation.base + explanation.features["contribution"].sum() == pytest.approx(
            explanation.raw_score, abs=1e-6
        )
        assert explanation.features["feature"].sort().to_list() == sorted(model.columns)


def test_the_steps_end_at_what_the_model_forecasts(make_panel, feature_params, train_params):
    panel = make_panel(series=8, days=120)
    assert_every_cell_is_accounted_for(fitted(panel, feature_params, train_params), panel, 14)


def test_the_group_step_is_one_of_them(make_panel, feature_params, train_params):
    panel = make_panel(series=8, days=120)
    groups = GroupParams(**train_params.groups.model_dump() | {"columns": ["store_id"]})
    model = fitted(panel, feature_params, train_params, groups=groups)
    assert_every_cell_is_accounted_for(model, panel, 14)
    explanation = explain(
        model,
        panel,
        panel.last_day,
        14,
        panel.series["unique_id"][0],
        panel.last_day + timedelta(days=3),
    )
    assert any("total of its group" in name for name, _ in explanation.steps) or any(
        "closed" in name for name, _ in explanation.steps
    )


def test_a_recursive_model_is_run_as_far_as_the_day(make_panel, feature_params, train_params):
    panel = make_panel(series=4, days=120)
    model = fitted(panel, feature_params, train_params, strategy="recursive")
    assert_every_cell_is_accounted_for(model, panel, 14)


@pytest.mark.parametrize("columns", [None, ["store_id"]])
def test_the_mean_of_weekdays_is_one_of_them(make_panel, feature_params, train_params, columns):
    panel = make_panel(series=8, days=120)
    groups = GroupParams(**train_params.groups.model_dump() | {"columns": columns})
    model = fitted(panel, feature_params, train_params, average_share=0.3, groups=groups)
    assert_every_cell_is_accounted_for(model, panel, 14)


def test_days_beyond_the_last_block_are_its_own(make_panel, feature_params, train_params):
    panel = make_panel(series=4, days=120)
    assert_every_cell_is_accounted_for(fitted(panel, feature_params, train_params), panel, 20)


def test_the_largest_contribution_stands_first_and_an_unknown_value_is_null(
    make_panel, feature_params, train_params
):
    panel = make_panel(series=8, days=120)
    model = fitted(panel, feature_params, train_params)
    explanation = explain(
        model,
        panel,
        panel.last_day,
        14,
        panel.series["unique_id"][3],
        panel.last_day + timedelta(days=3),
    )
    sizes = explanation.features["contribution"].abs().to_numpy()
    assert (np.diff(sizes) <= 0).all()
    assert not explanation.features["value"].is_nan().any()


def test_a_series_the_run_did_not_know_is_said_so(make_panel, feature_params, train_params):
    panel = make_panel(series=4, days=120)
    model = fitted(panel, feature_params, train_params)
    with pytest.raises(BadUsage, match="no series 'X'"):
        explain(model, panel, panel.last_day, 14, "X", panel.last_day + timedelta(days=1))
