"""The ladder: which rung serves, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.demand import DemandRules
from contract.panel import panel_of
from forecasting.fallback import REASONS, ModelForecast, complete
from forecasting.forecaster import forecast_grid

ORIGIN = date(2024, 1, 10)


@pytest.fixture(scope="module")
def panel(sales_of):
    """a sells 4 a day, peer in the same department 2; alone never sold, nor did its neighbours; of
    unheard no row came, of new a single one.
    """
    nothing = [0.0] + [None] * 9
    sales = sales_of({"a": [4.0] * 10, "alone": nothing, "new": nothing, "peer": [2.0] * 10})
    series = pl.DataFrame(
        {
            "unique_id": ["a", "alone", "new", "peer", "unheard"],
            "store_id": ["S1", "S2", "S1", "S1", "S1"],
            "dept_id": ["D1", "D1", "D1", "D1", "D1"],
        }
    )
    return panel_of(sales, series)


EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)


def _forecast(panel, y_hat: dict[str, float | None], horizon: int = 1) -> pl.DataFrame:
    grid = forecast_grid(panel.series["unique_id"], ORIGIN, horizon)
    return grid.with_columns(
        y_hat=pl.col("unique_id").replace_strict(y_hat, default=None, return_dtype=pl.Float64)
    )


BASELINE = {"a": 4.0, "peer": 2.0}


def _rung(
    panel,
    params,
    one: str,
    y_hat: dict,
    baseline: dict | None = None,
    fallback_reason: str | None = None,
) -> tuple[float, str, str | None]:
    naive = _forecast(panel, BASELINE if baseline is None else baseline)
    model = ModelForecast(_forecast(panel, y_hat), "model", fallback_reason)
    done = complete(model, naive, panel, params, EVERY_DAY)
    return done.filter(unique_id=one).select("y_hat", "method", "reason").row(0)


def test_a_sound_forecast_stays_as_it_is_without_a_reason(panel, inference_params):
    assert _rung(panel, inference_params, "a", {"a": 3.7}) == (3.7, "model", None)


def test_a_mean_of_zero_is_sound(panel, inference_params):
    assert _rung(panel, inference_params, "a", {"a": 0.0}) == (0.0, "model", None)


def test_without_any_forecast_of_the_model_the_baseline_serves(panel, inference_params):
    assert _rung(panel, inference_params, "a", {}, fallback_reason="no_model") == (
        4.0,
        "seasonal_naive",
        "no_model",
    )
    assert _rung(panel, inference_params, "a", {"a": 3.7}, fallback_reason="features_missing")[
        1:
    ] == (
        "seasonal_naive",
        "features_missing",
    )


def test_a_row_that_lacks_a_plan_falls_back_alone_and_says_why(panel, inference_params):
    """Of the second day: the first keeps the model's."""
    late = pl.when(pl.col("h") > 1)
    rows = _forecast(panel, {"a": 3.7}, horizon=2).with_columns(
        reason=late.then(pl.lit("features_missing")), y_hat=late.then(None).otherwise("y_hat")
    )
    naive = _forecast(panel, BASELINE, horizon=2)
    done = complete(ModelForecast(rows, "model"), naive, panel, inference_params, EVERY_DAY)
    assert done.filter(unique_id="a").select("y_hat", "method", "reason").rows() == [
        (3.7, "model", None),
        (4.0, "seasonal_naive", "features_missing"),
    ]


def test_a_series_the_model_cannot_say_falls_to_the_mean_of_its_department_in_its_store(
    panel, inference_params
):
    assert _rung(panel, inference_params, "new", {"a": 1.0}) == (3.0, "group_mean", "no_history")


def test_a_series_nobody_around_has_sold_for_falls_to_zero(panel, inference_params):
    assert _rung(panel, inference_params, "alone", {"a": 1.0}) == (0.0, "zero", "no_history")


def test_a_series_of_which_no_row_ever_came_falls_to_zero(panel, inference_params):
    assert _rung(panel, inference_params, "unheard", {"a": 1.0}) == (0.0, "zero", "no_history")


@pytest.mark.parametrize("absurd", [float("nan"), float("inf"), -float("inf"), -0.5])
def test_a_forecast_that_is_no_amount_is_replaced(panel, inference_params, absurd):
    assert _rung(panel, inference_params, "a", {"a": absurd}) == (
        4.0,
        "seasonal_naive",
        "not_a_number",
    )


def test_an_explosion_is_a_forecast_above_twenty_times_the_highest_day(panel, inference_params):
    assert _rung(panel, inference_params, "a", {"a": 80.0}) == (80.0, "model", None)
    assert _rung(panel, inference_params, "a", {"a": 80.1}) == (4.0, "seasonal_naive", "explosion")


def test_the_rung_below_the_baseline_serves_where_the_baseline_has_none(panel, inference_params):
    assert (
        _rung(panel, inference_params, "a", {"a": float("nan")}, baseline={"peer": 2.0})[1]
        == "group_mean"
    )


def test_group_means_look_back_over_the_fallback_days_only(sales_of, inference_params):
    sales = sales_of({"a": [100.0] * 3 + [2.0] * 7, "new": [0.0] + [None] * 9})
    series = pl.DataFrame(
        {"unique_id": ["a", "new"], "store_id": ["S1"] * 2, "dept_id": ["D1"] * 2}
    )
    panel = panel_of(sales, series)
    week = inference_params.model_copy(update={"fallback_days": 7})
    rows = _forecast(panel, {"a": 2.0})
    done = complete(ModelForecast(rows, "model"), rows, panel, week, EVERY_DAY)
    assert done.filter(unique_id="new")["y_hat"].item() == 2.0


@pytest.mark.parametrize(("zeros", "mean"), [(True, 42 / 21), (False, 42 / 16)])
def test_a_group_mean_is_by_series_and_day_and_an_absent_row_counts_where_it_means_zero(
    sales_of, inference_params, zeros, mean
):
    """By hand: a sold 4 on five of ten days, b 2 on all, late 2 on its only day.

    42 units on 21 series-days, or 16 rows.
    """
    panel = panel_of(
        sales_of({"a": [4.0, None] * 5, "b": [2.0] * 10, "late": [None] * 9 + [2.0], "new": [0.0]}),
        pl.DataFrame({"unique_id": ["a", "b", "late", "new"]}),
    )
    rows, rules = _forecast(panel, {"a": 2.0}), replace(EVERY_DAY, absent_means_zero=zeros)
    done = complete(ModelForecast(rows, "model"), rows, panel, inference_params, rules)
    assert done.filter(unique_id="new")["y_hat"].item() == pytest.approx(mean)


def test_series_without_store_and_department_fall_to_the_mean_of_all(sales_of, inference_params):
    panel = panel_of(
        sales_of({"a": [2.0] * 3, "b": [4.0] * 3, "new": [0.0]}),
        pl.DataFrame({"unique_id": ["a", "b", "new"]}),
    )
    rows = _forecast(panel, {"a": 2.0})
    done = complete(ModelForecast(rows, "model"), rows, panel, inference_params, EVERY_DAY)
    assert done.filter(unique_id="new").select("y_hat", "method").row(0) == (3.0, "group_mean")


values = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, 79.0, 81.0, -1.0]),
)


@given(
    model=st.lists(values, min_size=15, max_size=15),
    naive=st.lists(st.sampled_from([None, 0.0, 5.0]), min_size=15, max_size=15),
)
def test_whatever_comes_in_every_row_comes_out_with_a_number_a_method_and_a_reason_where_due(
    panel, inference_params, model, naive
):
    grid = forecast_grid(panel.series["unique_id"], ORIGIN, 3)
    forecast = grid.with_columns(y_hat=pl.Series(model, dtype=pl.Float64))
    baseline = grid.with_columns(y_hat=pl.Series(naive, dtype=pl.Float64))
    done = complete(ModelForecast(forecast, "model"), baseline, panel, inference_params, EVERY_DAY)
    assert done.select("unique_id", "ds", "h").equals(grid)
    assert done.select("y_hat", "method").null_count().row(0) == (0, 0)
    assert np.isfinite(done["y_hat"].to_numpy()).all()
    assert (done["y_hat"] >= 0).all()
    assert (done["reason"].is_null() == (done["method"] == "model")).all()
    assert set(done["reason"].drop_nulls()) <= set(REASONS)


def test_a_grid_has_every_series_and_day_once_sorted():
    grid = forecast_grid(pl.Series(["b", "a"]), ORIGIN, 2)
    assert grid.rows() == [
        (name, ORIGIN + timedelta(days=h), h) for name in ("a", "b") for h in (1, 2)
    ]
