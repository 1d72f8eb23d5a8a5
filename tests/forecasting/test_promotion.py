"""The gate: who becomes champion."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import ModelBroken
from contract.levels import levels_of
from forecasting.backtest import BacktestPlan, backtest
from forecasting.metrics import point_scores
from forecasting.paired import Losses, blocks_of, difference, losses_of
from forecasting.promotion import (
    IMPROVEMENT,
    NO_HARM,
    Evidence,
    GuardrailMetrics,
    Tables,
    confidence_of,
    decide,
)
from forecasting.provisional import best_of, provisional
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.window import window_after

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)


def losses(of_stores: np.ndarray, *levels: np.ndarray) -> Losses:
    """Of (cutoffs, stores) losses that add up; further levels as (cutoffs,) losses."""
    headline = of_stores.sum(axis=1)
    by_level = np.column_stack([*levels, headline]) if levels else headline[:, None]
    return Losses(by_level, headline[:, None] - of_stores)


RNG = np.random.default_rng(5)
STORES = RNG.uniform(0.8, 1.2, (4, 10))
INCUMBENT = losses(STORES)
BETTER = losses(STORES * RNG.uniform(0.8, 0.95, (4, 10)))
SOUND = GuardrailMetrics(0.0, 0.95)


def _decide(gate_params, candidate, bias=0.0, coverage=0.95, theirs=SOUND):
    ours = GuardrailMetrics(bias, coverage)
    return decide(Evidence(candidate, INCUMBENT, ours, theirs), gate_params)


def test_a_clearly_better_candidate_is_promoted_and_the_reason_says_by_how_much(gate_params):
    decision = _decide(gate_params, BETTER)
    assert decision.promote
    assert decision.confidence > 0.99
    ratio = BETTER.headline.mean() / INCUMBENT.headline.mean()
    assert decision.relative_difference == pytest.approx(ratio - 1)
    assert decision.reasons == [
        f"better with {decision.confidence:.1%} confidence, by {1 - ratio:.1%}"
    ]


def test_an_identical_candidate_is_not_promoted(gate_params):
    decision = _decide(gate_params, INCUMBENT)
    assert not decision.promote
    assert decision.confidence == 0.0
    assert decision.relative_difference == 0.0


def test_a_worse_candidate_is_not_promoted(gate_params):
    assert not _decide(gate_params, losses(STORES * 1.1)).promote


def test_a_candidate_better_by_chance_in_one_store_only_is_not_promoted(gate_params):
    lucky = STORES.copy()
    lucky[:, 0] -= 0.5
    lucky[:, 1:] += 0.02
    decision = _decide(gate_params, losses(lucky))
    assert decision.relative_difference < 0
    assert not decision.promote
    assert "confidence, 95% needed" in decision.reasons[0]


def test_a_difference_by_hand():
    """Two cutoffs, log ratios 0 and -0.2; two stores alike, so that leaving one out moves nothing.

    Mean -0.1; the cutoffs' spread 0.1414 over sqrt(2) is an error of 0.1 with one freedom.
    """
    incumbent = np.full((2, 2), 5.0)
    candidate = incumbent * np.exp(np.array([[0.0], [-0.2]]))
    found = difference(losses(candidate), losses(incumbent))
    assert (found.mean, found.error, found.freedom) == pytest.approx((-0.1, 0.1, 1.0))
    assert found.relative == pytest.approx(np.exp(-0.1) - 1)
    assert found.probability_below(0.0) == pytest.approx(0.75)  # Student's t, one freedom, at 1


def test_stores_that_disagree_add_to_the_error_by_their_jackknife():
    """One cutoff, two stores of 1 each; ours 0.5 and 1: left out, log(1) and log(0.5).

    The jackknife's variance of two: 1/2 of the squared deviations, 2 * (0.3466 ** 2).
    """
    found = difference(losses(np.array([[0.5, 1.0]])), losses(np.array([[1.0, 1.0]])))
    assert found.mean == pytest.approx(np.log(0.75))
    assert found.error == pytest.approx(np.log(2) / 2)
    assert found.freedom == pytest.approx(1.0)


def test_a_window_in_which_the_baseline_collapses_counts_as_one_window():
    """Better by a tenth at three cutoffs and by nine tenths at one: as sure as by a tenth."""
    stores = STORES.copy()
    stores[0] *= 9
    candidate = STORES * 0.9
    found = difference(losses(candidate), losses(stores))
    absolute = losses(candidate).headline - losses(stores).headline
    by_units = absolute.mean() / (absolute.std(ddof=1) / 2)  # t of absolute differences
    assert -found.mean / found.error > -by_units
    assert np.all(losses(candidate).headline < losses(stores).headline)


def test_a_loss_at_one_level_alone_holds_back_what_the_headline_lets_pass(gate_params):
    total = np.array([1.0, 1.1, 0.9, 1.0])
    worse = losses(STORES * 0.5, total * 1.2)
    decision = decide(Evidence(worse, losses(STORES, total), SOUND, SOUND), gate_params)
    assert decision.reasons == ["WRMSSE of level 1 from the top is +20.0%, 5% allowed"]


@pytest.mark.parametrize("factor", [0.95, 1.07])
def test_forecasts_scaled_are_refused_as_a_refit_and_their_repair_passes(
    make_panel, inference_params, gate_params, factor
):
    """What a gate on series alone let pass: the headline sees the level."""
    panel = make_panel(series=40, days=150, seed=3, nasty=False)
    cutoffs = [panel.last_day - timedelta(days=k) for k in (56, 42, 28, 14)]
    plan = BacktestPlan(cutoffs, 14, 1, None, inference_params, EVERY_DAY, {})
    mean = pl.col("y").mean().over("unique_id", pl.col("ds").dt.weekday())
    rows = backtest(panel, {"seasonal_naive": SeasonalNaive(7, EVERY_DAY)}, plan)
    rows = rows.with_columns(fit=mean, scaled=mean * factor)
    levels = levels_of(((), ("store_id",), ("dept_id",)))
    fit, scaled = losses_of(panel, rows, ["fit", "scaled"], levels, EVERY_DAY)
    refit = decide(Evidence(scaled, fit, SOUND, SOUND, NO_HARM), gate_params)
    repair = decide(Evidence(fit, scaled, SOUND, SOUND, NO_HARM), gate_params)
    assert (refit.promote, repair.promote) == (False, True), (refit, repair)


def test_a_biased_candidate_is_blocked(gate_params):
    decision = _decide(gate_params, BETTER, bias=0.081)
    assert not decision.promote
    assert decision.reasons == ["the total is off by 8.1% a cutoff, 8% allowed"]


@pytest.mark.parametrize("coverage", [0.86, 1.04])
def test_a_dishonest_interval_blocks(gate_params, coverage):
    decision = _decide(gate_params, BETTER, coverage=coverage)
    assert not decision.promote
    assert decision.reasons == [f"the 95% interval covered {coverage:.1%}"]


def test_without_a_coverage_yet_the_other_guardrails_decide(gate_params):
    assert _decide(gate_params, BETTER, coverage=None).promote


def test_an_unknown_bias_is_no_licence(gate_params):
    assert not _decide(gate_params, BETTER, bias=float("nan")).promote


def test_every_reason_against_is_named(gate_params):
    worse = losses(STORES * 1.04)
    assert len(_decide(gate_params, worse, bias=0.5, coverage=0.5).reasons) == 3


def test_swapping_sides_turns_the_confidence_around(gate_params):
    near = losses(STORES + RNG.normal(0, 0.1, STORES.shape))
    there = confidence_of(difference(near, INCUMBENT), gate_params)
    back = confidence_of(difference(INCUMBENT, near), gate_params)
    assert 0 < there < 1
    assert there + back == pytest.approx(1.0)


def test_cutoffs_that_disagree_promote_nobody_though_their_sum_is_better(gate_params):
    moody = losses(STORES * np.array([[0.85], [0.85], [0.85], [1.3]]))
    assert not _decide(gate_params, moody).promote


def test_a_gain_within_the_luck_of_a_seed_is_none(gate_params):
    lucky = gate_params.model_copy(update={"min_gain": 0.005})
    slightly, clearly = losses(STORES * 0.997), losses(STORES * 0.99)
    assert confidence_of(difference(slightly, INCUMBENT), gate_params) == 1.0
    assert not _decide(lucky, slightly).promote
    assert _decide(lucky, clearly).reasons[0].startswith("better by 0.5% with 100.0% confidence")


def test_a_refit_need_not_be_better_but_must_do_no_harm(gate_params):
    for factor, is_promoted in ((1.0, True), (1.005, True), (1.05, False)):
        candidate = losses(STORES * factor)
        decision = decide(Evidence(candidate, INCUMBENT, SOUND, SOUND, NO_HARM), gate_params)
        assert decision.promote is is_promoted, decision.reasons
        assert decision.rule == NO_HARM
        improvement = Evidence(candidate, INCUMBENT, SOUND, SOUND, IMPROVEMENT)
        assert not decide(improvement, gate_params).promote


def test_without_a_window_to_compare_on_the_guardrails_decide_alone(gate_params):
    good, bad = GuardrailMetrics(0.0, 0.95), GuardrailMetrics(0.5, 0.95)
    decision = decide(Evidence(None, None, good, good, NO_HARM), gate_params)
    assert (decision.promote, decision.confidence, decision.relative_difference) == (
        True,
        None,
        None,
    )
    assert not decide(Evidence(None, None, bad, good, NO_HARM), gate_params).promote


def test_what_must_be_better_is_not_proven_by_the_stores_of_one_window(gate_params):
    better, incumbent = losses(STORES[:1] * 0.9), losses(STORES[:1])
    decision = decide(Evidence(better, incumbent, SOUND, SOUND, IMPROVEMENT), gate_params)
    assert (decision.promote, decision.confidence) == (False, None)
    assert decide(Evidence(better, incumbent, SOUND, SOUND, NO_HARM), gate_params).promote


def test_windows_in_which_nothing_weighs_prove_nothing(gate_params):
    none = Losses(np.empty((0, 1)), np.empty((0, 10)))
    assert not none.is_evidence
    assert difference(none, none) is None
    decision = decide(Evidence(None, None, SOUND, SOUND, IMPROVEMENT), gate_params)
    assert not decision.promote
    assert "no window of the backtest" in decision.reasons[0]


def test_a_candidate_worse_in_the_mean_is_not_promoted_for_many_small_gains(gate_params):
    """Three windows slightly better, a loud one worse by less than the logs make of the others."""
    loud = STORES * np.array([[1.0], [1.0], [1.0], [100.0]])
    incumbent = losses(loud)
    candidate = losses(loud * np.array([[0.93], [0.93], [0.93], [1.005]]))
    assert difference(candidate, incumbent).relative < 0
    decision = decide(Evidence(candidate, incumbent, SOUND, SOUND), gate_params)
    assert decision.relative_difference > 0
    assert not decision.promote


@pytest.mark.parametrize("rule", [IMPROVEMENT, NO_HARM])
def test_a_loss_that_is_no_number_is_refused(gate_params, rule):
    broken = losses(STORES * np.array([[np.nan], [0.5], [0.5], [0.5]]))
    assert not decide(Evidence(broken, INCUMBENT, SOUND, SOUND, rule), gate_params).promote


def test_a_missing_forecast_is_no_forecast_without_error(make_panel, inference_params):
    panel = make_panel(series=8, days=90, seed=3)
    plan = BacktestPlan(
        [panel.last_day - timedelta(days=14)], 14, 1, None, inference_params, EVERY_DAY, {}
    )
    rows = backtest(panel, {"seasonal_naive": SeasonalNaive(7, EVERY_DAY)}, plan)
    for missing in (None, float("inf")):
        holed = rows.with_columns(
            holed=pl.when(pl.int_range(pl.len()) == 3).then(missing).otherwise("seasonal_naive")
        )
        with pytest.raises(ModelBroken, match=r"'holed' has no .* of 1 known.* at h=4 "):
            losses_of(panel, holed, ["holed"], levels_of(((),)), EVERY_DAY)


def test_a_window_without_revenue_is_left_out(make_panel, inference_params):
    panel = make_panel(series=8, days=90, seed=3)
    cutoffs = [panel.last_day - timedelta(days=k) for k in (28, 14)]
    plan = BacktestPlan(cutoffs, 14, 1, None, inference_params, EVERY_DAY, {})
    rows = backtest(panel, {"seasonal_naive": SeasonalNaive(7, EVERY_DAY)}, plan)
    sold = pl.when(pl.col("ds") > cutoffs[0] - timedelta(days=28)).then(0.0).otherwise("y")
    quiet = replace(panel, sales=panel.sales.with_columns(y=sold.cast(panel.sales["y"].dtype)))
    (found,) = losses_of(quiet, rows, ["seasonal_naive"], levels_of(((),)), EVERY_DAY)
    assert (found.cutoffs, found.without.shape) == (0, (0, 2))


def test_one_window_and_one_block_are_no_evidence(gate_params):
    """A refit passes unless that little is harm."""
    one = losses(np.array([[1.0]]))
    half = losses(np.array([[0.5]]))
    better = decide(Evidence(half, one, SOUND, SOUND), gate_params)
    assert (better.promote, better.confidence, better.relative_difference) == (False, None, -0.5)
    assert better.reasons == [
        "one window is too few to say whether it is better; its mean WRMSSE is -50.0%"
    ]
    for factor, is_promoted in ((1.0, True), (1.3, False)):
        scaled = losses(np.array([[factor]]))
        decision = decide(Evidence(scaled, one, SOUND, SOUND, NO_HARM), gate_params)
        assert (decision.promote, decision.confidence) == (is_promoted, None)
        assert "too few to say" in decision.reasons[0]


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (Tables(churn=0.6, forecast_s=1.0), "its table moves 60.0% of the champion's units"),
        (Tables(churn=float("nan"), forecast_s=1.0), "moves nan%"),
        (Tables(churn=0.1, forecast_s=4000.0), "a table takes longer than"),
        (Tables(churn=0.1, forecast_s=1.0), None),
    ],
)
def test_a_table_that_moves_too_much_or_takes_too_long_blocks(gate_params, tables, reason):
    decision = decide(Evidence(BETTER, INCUMBENT, SOUND, SOUND, tables=tables), gate_params)
    assert decision.promote is (reason is None)
    assert reason is None or reason in decision.reasons[0]


def test_the_worst_slice_blocks_and_is_named(gate_params):
    ours, theirs = (
        {"week_1": 0.9, "velocity_slow": 1.2, "ours alone": 9.0},
        {"week_1": 1.0, "velocity_slow": 1.0},
    )
    decision = decide(
        Evidence(
            BETTER,
            INCUMBENT,
            GuardrailMetrics(0.0, 0.95, ours),
            GuardrailMetrics(0.0, 0.95, theirs),
        ),
        gate_params,
    )
    assert decision.reasons == ["WAPE of slice velocity_slow is +20.0%, 5% allowed"]


def test_a_slice_whose_wape_is_no_number_blocks(gate_params):
    ours, theirs = (
        GuardrailMetrics(0.0, 0.95, {"week_1": week_1, "week_2": 0.9})
        for week_1 in (float("nan"), 1.0)
    )
    decision = decide(Evidence(BETTER, INCUMBENT, ours, theirs), gate_params)
    assert decision.reasons == ["WAPE of slice week_1 is +nan%, 5% allowed"]


def test_blocks_are_stores_else_departments_else_series():
    series = pl.DataFrame(
        {
            "unique_id": ["a", "b", "c"],
            "store_id": ["S1", "S1", "S2"],
            "dept_id": ["D1", "D2", "D1"],
        }
    )
    assert blocks_of(series).tolist() == [0, 0, 1]
    assert blocks_of(series.with_columns(store_id=pl.lit("S1"))).tolist() == [0, 1, 0]
    assert blocks_of(series.select("unique_id")).tolist() == [0, 1, 2]


def test_the_headline_is_the_mean_of_the_scores_of_all_levels(make_panel, inference_params):
    panel = make_panel(series=8, days=90, seed=3)
    cutoffs = [panel.last_day - timedelta(days=k) for k in (28, 14)]
    plan = BacktestPlan(cutoffs, 14, 1, None, inference_params, EVERY_DAY, {})
    rows = backtest(panel, {"seasonal_naive": SeasonalNaive(7, EVERY_DAY)}, plan)
    levels = levels_of(((), ("store_id",)))
    (found,) = losses_of(panel, rows, ["seasonal_naive"], levels, EVERY_DAY)
    for row, cutoff in zip(found.by_level, cutoffs, strict=True):
        window = window_after(panel, cutoff, 14, levels, EVERY_DAY)
        y_hat = window.matrix(rows.filter(cutoff=cutoff), "seasonal_naive")
        for value, level in zip(row, window.levels, strict=True):
            sums = np.zeros((len(level.group_key), 14))
            np.add.at(sums, level.group_ix, y_hat)
            assert value == pytest.approx(point_scores(level, sums)["wrmsse"])
    assert found.without.shape == (2, 2)


def test_without_a_champion_the_best_serves_and_the_simpler_within_the_noise():
    naive, average = losses(STORES), losses(STORES * 0.8)
    noisy = losses(STORES * np.array([[0.7], [0.95], [0.7], [0.84]]))
    assert best_of({"naive": naive, "average": average}) == "average"
    assert best_of({"naive": naive, "average": average, "model": noisy}) == "average"
    assert best_of({"naive": naive, "worse": losses(STORES * 1.01)}) == "naive"
    assert best_of({"naive": naive, "hardly better": losses(STORES * 0.999)}) == "hardly better"


def test_the_reason_names_the_best_where_a_simpler_one_serves():
    little = losses(STORES * np.array([[0.93], [1.02], [0.94], [1.07]]))
    named = {"seasonal_naive": INCUMBENT, "global_lightgbm": little}
    reason = provisional(named, has_table=True).reason
    assert reason.startswith("seasonal_naive serves, as good as global_lightgbm and at most 2% wor")
    reason = provisional(named, has_table=False).reason
    assert reason.startswith("seasonal_naive serves, the best of the backtest (WRMSSE: seasonal_n")


def test_who_is_as_good_in_sums_and_worse_on_single_series_does_not_serve():
    series = STORES.sum(axis=1)
    naive, model = losses(STORES * 0.99, series * 0.4), losses(STORES, series * 0.45)
    # the levels from the top: here the sum of stores stands last, as the series do
    assert best_of({"naive": naive, "model": model}) == "naive"
    worse = Losses(naive.by_level[:, ::-1] * [1.0, 1.05], naive.without)
    even = Losses(model.by_level[:, ::-1] * [1.0, 0.9], model.without)
    assert best_of({"naive": worse, "model": even}) == "model"


def test_within_the_noise_being_simpler_may_cost_little_and_no_more():
    """The model is 12% better, by 1.2 standard errors, and the naive is the best once: what a proof
    is missing for is still the best guess.
    """
    once = losses(STORES * np.array([[0.72], [0.82], [0.97], [1.05]]))
    found = difference(once, INCUMBENT)
    assert found.probability_below(0.0) < 0.95
    assert best_of({"naive": INCUMBENT, "model": once}) == "model"
    wild = losses(STORES * np.array([[1.04], [0.55], [1.03], [1.02]]))
    assert difference(wild, INCUMBENT).mean > -difference(wild, INCUMBENT).error
    assert best_of({"naive": INCUMBENT, "model": wild}) == "model"  # the naive collapses at times
    little = losses(STORES * np.array([[0.93], [1.02], [0.94], [1.07]]))
    assert best_of({"naive": INCUMBENT, "model": little}) == "naive"
    assert (
        best_of({"naive": losses(STORES[:1, :1]), "model": losses(STORES[:1, :1] / 2)}) == "naive"
    )


@pytest.mark.parametrize("cutoffs", [2, 3, 6])
def test_what_is_better_at_every_cutoff_is_beyond_one_standard_error(cutoffs):
    """However uneven: of gains of one sign the mean is at least as large as its error."""
    shares = np.full((cutoffs, 1), 0.9999)
    shares[0] = 0.3
    even = np.ones((cutoffs, 1))  # no difference between stores: the cutoffs' error alone
    found = difference(losses(even * shares), losses(even))
    assert found.mean <= -found.error * (1 - 1e-3)


def test_a_guardrail_the_incumbent_breaks_further_does_not_keep_it_in_office(gate_params):
    worse = GuardrailMetrics(bias=0.2, coverage_95=0.7)
    assert _decide(gate_params, BETTER, bias=0.15, coverage=0.8, theirs=worse).promote
    assert not _decide(gate_params, BETTER, bias=0.25, coverage=0.8, theirs=worse).promote
    assert not _decide(gate_params, BETTER, bias=0.0, coverage=0.6, theirs=worse).promote
