"""A backtest's forecasts in, one long frame of scores out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.frames import SCORES
from contract.levels import levels_of
from contract.quantiles import QUANTILES
from forecasting.backtest import BacktestPlan, backtest
from forecasting.dispersion import dispersion_at_end
from forecasting.leaderboard import by_level, by_slice, guardrail_metrics_of, leaderboard_of
from forecasting.pairs import of_groups
from forecasting.scoring import calibration_json, calibration_of, score_backtest
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.slices import lifecycle_states, slices_of, velocity_classes
from forecasting.window import window_after

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

LEVELS = levels_of(((), ("store_id",), ("store_id", "dept_id")))
HORIZON = 14


class Doubled:
    """Twice the baseline, to have a second model that is worse in a known way."""

    name = "doubled"

    def fit(self, panel):
        return self

    def forecast(self, panel, origin, horizon):
        return (
            SeasonalNaive(7, EVERY_DAY)
            .forecast(panel, origin, horizon)
            .with_columns(pl.col("y_hat") * 2)
        )


def _backtest_rows(panel, step: int, inference_params) -> pl.DataFrame:
    last = panel.last_day - timedelta(days=HORIZON)
    cutoffs = [last - timedelta(days=step * k) for k in reversed(range(3))]
    models = {"seasonal_naive": SeasonalNaive(7, EVERY_DAY), "doubled": Doubled()}
    return backtest(
        panel, models, BacktestPlan(cutoffs, HORIZON, 1, None, inference_params, EVERY_DAY, {})
    )


@pytest.fixture(scope="module")
def panel(make_panel):
    """Eight series without surprises."""
    return make_panel(series=8, days=120, seed=14, nasty=False)


@pytest.fixture(scope="module")
def scored(panel, inference_params):
    """Three cutoffs, each window closed before the next."""
    return score_backtest(
        panel,
        _backtest_rows(panel, 14, inference_params),
        ["seasonal_naive", "doubled"],
        LEVELS,
        4,
        EVERY_DAY,
    )


def _of(scores: pl.DataFrame, **wanted) -> list[float]:
    return scores.filter(**{"slice": "all"} | wanted)["value"].to_list()


def test_scores_fit_their_contract_with_one_row_a_key(scored):
    scores = SCORES.conform(scored[0].with_columns(run_id=pl.lit("r")))
    assert SCORES.check_key(scores).height == scored[0].height
    assert np.isfinite(scores["value"].to_numpy()).all()


def test_doubling_a_forecast_shifts_its_bias_by_its_own_volume(scored):
    plain = _of(scored[0], model="seasonal_naive", level="total", metric="bias")
    doubled = _of(scored[0], model="doubled", level="total", metric="bias")
    assert doubled == pytest.approx([2 * (1 + bias) - 1 for bias in plain])


def test_bias_is_the_same_on_every_level_because_levels_are_sums(scored):
    for metric_bias in zip(
        *(_of(scored[0], model="doubled", level=level.name, metric="bias") for level in LEVELS),
        strict=True,
    ):
        assert metric_bias == pytest.approx([metric_bias[0]] * len(LEVELS))


def test_the_headline_is_the_plain_mean_over_levels(scored):
    cutoff = scored[0]["cutoff"].max()
    levels = [
        _of(scored[0], model="doubled", cutoff=cutoff, level=level.name, metric="wrmsse")[0]
        for level in LEVELS
    ]
    assert _of(scored[0], model="doubled", cutoff=cutoff, level="average", metric="wrmsse") == [
        pytest.approx(np.mean(levels))
    ]


def _cutoffs_with_quantile_scores(scores: pl.DataFrame) -> list[date]:
    return sorted(scores.filter(metric="coverage_95", slice="all")["cutoff"].unique().to_list())


def test_the_first_cutoff_has_no_quantile_scores_because_nothing_had_come_true(scored):
    assert (
        _cutoffs_with_quantile_scores(scored[0])
        == sorted(scored[0]["cutoff"].unique().to_list())[1:]
    )


def test_a_window_still_open_at_a_cutoff_calibrates_nothing_there(panel, inference_params):
    scores, _ = score_backtest(
        panel, _backtest_rows(panel, 7, inference_params), ["seasonal_naive"], LEVELS, 4, EVERY_DAY
    )
    cutoffs = sorted(scores["cutoff"].unique().to_list())
    # 7 days after the first its window is half open
    assert _cutoffs_with_quantile_scores(scores) == cutoffs[2:]


def test_actuals_after_a_cutoff_moves_no_quantile_scored_before_it(panel, inference_params):
    rows = _backtest_rows(panel, 7, inference_params)
    plain, _ = score_backtest(panel, rows, ["seasonal_naive"], LEVELS, 4, EVERY_DAY)
    # the third cutoff's coverage may read the first window only: the second window's actuals are
    # changed, its forecasts too
    second = sorted(rows["cutoff"].unique().to_list())[1]
    other = rows.with_columns(
        seasonal_naive=pl.when(pl.col("cutoff") == second).then(999.0).otherwise("seasonal_naive")
    )
    changed, _ = score_backtest(panel, other, ["seasonal_naive"], LEVELS, 4, EVERY_DAY)
    last = plain["cutoff"].max()
    assert changed.filter(cutoff=last).equals(plain.filter(cutoff=last))


def test_calibrations_survive_json(scored):
    _, calibrations = scored
    plain = calibration_json(calibrations)
    back = calibration_of(json.loads(json.dumps(plain)))
    assert calibration_json(back) == plain
    y_hat, h = np.array([0.0, 0.5, 4.0]), np.array([1, 8, 14])
    for model, calibration in calibrations.items():
        for level in ("total", "series"):
            assert back[model].quantiles(level, y_hat, h) == pytest.approx(
                calibration.quantiles(level, y_hat, h), rel=1e-4
            )


def test_a_calibration_of_older_code_still_gives_its_quantiles():
    """A champion fitted before series had classes of dispersion goes on serving."""
    week = {"centres": [1.0, 4.0], "quantiles": [[0.5] * 9, [1.5] * 9], "at_zero": [0.0] * 9}
    old = calibration_of({"global_lightgbm": {"series": [week, week], "total": [week]}})
    of = np.array([1.0, 4.0]), np.array([3, 9])
    for own in (None, np.array([1.0, np.nan])):
        quantiles = old["global_lightgbm"].quantiles("series", *of, own)
        assert quantiles[:, 0].tolist() == pytest.approx([0.5, 6.0])


def test_the_same_backtest_teaches_the_same_bytes(panel, inference_params):
    rows = _backtest_rows(panel, 14, inference_params)
    texts = {
        json.dumps(
            calibration_json(score_backtest(panel, rows, ["doubled"], LEVELS, 4, EVERY_DAY)[1]),
            sort_keys=True,
        )
        for _ in range(2)
    }
    assert len(texts) == 1


def test_a_cutoff_and_a_table_from_it_know_the_same_dispersion(panel):
    cutoff = panel.last_day - timedelta(days=HORIZON)
    window = window_after(panel, cutoff, HORIZON, LEVELS, EVERY_DAY)
    at_cutoff = of_groups(window, window.levels[-1])
    served = dispersion_at_end(panel.up_to(cutoff), EVERY_DAY).sort("unique_id")
    assert window.levels[-1].group_key.to_list() == served["unique_id"].to_list()
    assert served["dispersion"].to_list() == pytest.approx(at_cutoff.tolist(), rel=1e-5)


def test_slices_share_out_all_known_cells(scored):
    scores = scored[0].filter(pl.col("slice") != "all", metric="wape", model="doubled")
    assert {"week_1", "week_2"} <= set(scores["slice"])
    assert set(scores["level"]) == {"series"}


def test_days_on_promotion_are_a_slice_where_the_panel_knows_of_promotions(panel, inference_params):
    cutoff = panel.last_day - timedelta(days=14)
    window = window_after(panel, cutoff, 14, LEVELS, EVERY_DAY)
    prices = panel.prices.join(panel.series.with_row_index("row"), on="unique_id")
    expected = np.zeros((panel.series.height, 14), dtype=bool)
    for row in prices.filter(pl.col("promo") > 0).iter_rows(named=True):
        for day in range(14):
            if row["from_ds"] <= cutoff + timedelta(days=day + 1) <= row["to_ds"]:
                expected[row["row"], day] = True
    assert expected.any()
    assert (window.of_series.promoted == expected).all()
    scores, _ = score_backtest(
        panel, _backtest_rows(panel, 14, inference_params), ["doubled"], LEVELS, 4, EVERY_DAY
    )
    assert {"promo_yes", "promo_no"} <= set(scores["slice"])
    without = replace(panel, prices=panel.prices.with_columns(promo=pl.lit(None, pl.Float64)))
    assert window_after(without, cutoff, 14, LEVELS, EVERY_DAY).of_series.promoted is None


def test_lifecycle_and_velocity_of_hand_made_histories():
    history = np.zeros((4, 120))
    history[1, 100:] = 9  # first sale 20 days ago
    history[2, :30] = 3  # nothing for 90 days
    history[3, :] = 2
    assert lifecycle_states(history).tolist() == ["unsold", "new", "dormant", "active"]
    assert velocity_classes(history).tolist() == ["slow", "medium", "slow", "medium"]


def test_weeks_and_labels_each_share_out_every_cell_once():
    history = np.random.default_rng(0).poisson(2, (6, 90)).astype(float)
    kinds = {"lifecycle": lifecycle_states(history), "velocity": velocity_classes(history)}
    masks = slices_of(kinds, 28)
    for family in ("week_", "lifecycle_", "velocity_"):
        assert (
            sum(mask.astype(int) for name, mask in masks.items() if name.startswith(family)) == 1
        ).all()


def test_the_leaderboard_shows_mean_and_spread_with_bias_beside_every_score(scored):
    board = leaderboard_of(scored[0])
    assert list(board) == ["seasonal_naive", "doubled"]
    values = _of(scored[0], model="doubled", level="average", metric="wrmsse")
    assert board["doubled"]["wrmsse"] == pytest.approx(np.mean(values), abs=1e-5)
    assert board["doubled"]["wrmsse_spread"] == pytest.approx(np.std(values, ddof=1), abs=1e-5)
    assert board["doubled"]["bias"] > 0.5
    assert board["doubled"]["wrmsse"] > board["seasonal_naive"]["wrmsse"]


def test_tables_by_level_and_by_slice_have_a_row_each(scored):
    assert by_level(scored[0]).filter(model="doubled")["level"].to_list() == [
        lv.name for lv in LEVELS
    ] + ["average"]
    assert by_slice(scored[0]).filter(model="doubled", slice="week_1").height == 1


def test_coverage_of_quantiles_learned_from_the_same_kind_of_window_is_near_its_nominal(scored):
    covered = np.mean(_of(scored[0], model="seasonal_naive", level="series", metric="coverage_95"))
    assert 0.85 < covered <= 1
    assert len(QUANTILES) == 9


def test_the_gate_knows_the_bias_whatever_levels_are_scored(scored):
    whole = scored[0]
    model = whole["model"][0]
    without_total = whole.filter(pl.col("level") != "total")
    assert (
        guardrail_metrics_of(without_total, model).bias == guardrail_metrics_of(whole, model).bias
    )
    of_total = whole.filter(model=model, level="total", slice="all", metric="bias")["value"]
    signless = of_total.abs().mean()  # +5% and -5% are off by 5%, not by nothing
    assert guardrail_metrics_of(whole, model).bias == pytest.approx(signless, abs=1e-5)


def test_where_nothing_sold_the_bias_is_unknown(scored):
    whole = scored[0]
    assert np.isnan(
        guardrail_metrics_of(whole.filter(pl.col("metric") != "bias"), whole["model"][0]).bias
    )
