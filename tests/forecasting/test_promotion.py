"""The gate: who becomes champion."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.levels import levels_of
from forecasting.backtest import BacktestPlan, backtest
from forecasting.metrics import point_scores
from forecasting.paired import blocks_of, drawn_differences, losses_of, widening
from forecasting.promotion import (
    IMPROVEMENT,
    NO_HARM,
    Evidence,
    GuardrailMetrics,
    Tables,
    confidence_of,
    decide,
)
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.window import window_after

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

RNG = np.random.default_rng(5)
INCUMBENT = RNG.uniform(0.8, 1.2, (4, 10))
BETTER = INCUMBENT * RNG.uniform(0.8, 0.95, (4, 10))


def _decide(gate_params, candidate, bias=0.0, coverage=0.95, theirs=GuardrailMetrics(0.0, 0.95)):  # noqa: B008 -- frozen
    return decide(
        Evidence(candidate, INCUMBENT, GuardrailMetrics(bias, coverage), theirs),
        gate_params,
        seed=1,
    )


def test_a_clearly_better_candidate_is_promoted_and_the_reason_says_by_how_much(gate_params):
    decision = _decide(gate_params, BETTER)
    assert decision.promote
    assert decision.confidence == 1.0
    assert decision.relative_difference == pytest.approx(BETTER.sum() / INCUMBENT.sum() - 1)
    assert decision.relative_difference < 0
    assert decision.reasons == [
        f"better in 100.0% of bootstrap draws, by {-decision.relative_difference:.1%}"
    ]


def test_an_identical_candidate_is_not_promoted(gate_params):
    decision = _decide(gate_params, INCUMBENT.copy())
    assert not decision.promote
    assert decision.confidence == 0.0
    assert decision.relative_difference == 0.0


def test_a_worse_candidate_is_not_promoted(gate_params):
    assert not _decide(gate_params, INCUMBENT * 1.1).promote


def test_a_candidate_better_by_chance_in_one_block_only_is_not_promoted(gate_params):
    lucky = INCUMBENT.copy()
    lucky[:, 0] -= 0.5
    lucky[:, 1:] += 0.02
    decision = _decide(gate_params, lucky)
    assert decision.relative_difference < 0
    assert not decision.promote
    assert "of bootstrap draws, 95% needed" in decision.reasons[0]


@pytest.mark.parametrize("bias", [0.081, -0.081])
def test_a_biased_candidate_is_blocked_in_either_direction(gate_params, bias):
    decision = _decide(gate_params, BETTER, bias=bias)
    assert not decision.promote
    assert decision.reasons == [f"total bias {bias:+.1%} is outside ±8%"]


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
    assert len(_decide(gate_params, INCUMBENT * 1.1, bias=0.5, coverage=0.5).reasons) == 3


def test_the_same_seed_is_the_same_confidence(gate_params):
    near = INCUMBENT + RNG.normal(0, 0.1, INCUMBENT.shape)
    assert confidence_of(near, INCUMBENT, gate_params, seed=3) == confidence_of(
        near, INCUMBENT, gate_params, seed=3
    )
    assert 0 < confidence_of(near, INCUMBENT, gate_params, seed=3) < 1


def test_swapping_sides_turns_the_confidence_around(gate_params):
    near = INCUMBENT + RNG.normal(0, 0.1, INCUMBENT.shape)
    there, back = (
        confidence_of(near, INCUMBENT, gate_params, 3),
        confidence_of(INCUMBENT, near, gate_params, 3),
    )
    assert there + back == pytest.approx(1.0)


def test_draws_centre_on_the_difference_and_spread_as_two_cutoffs_by_hand():
    """Blocks all alike: only the two cutoffs vary, by -1 and +1 around a difference of -2 in 20.

    Drawn: -2 +- 2 * widening.
    """
    incumbent = np.full((2, 5), 2.0)
    candidate = incumbent - np.array([[0.0], [0.4]])
    drawn = drawn_differences(candidate, incumbent, 4000, seed=1, confidence=0.95)
    wide = 2 * widening(2, 0.95)
    assert sorted(set(np.round(drawn * 20, 6))) == pytest.approx([-2 - wide, -2, -2 + wide])
    assert drawn.mean() == pytest.approx(-0.1, abs=0.02)


def test_few_cutoffs_are_widened_more_than_many_and_one_says_nothing():
    assert widening(1, 0.95) == 0.0
    assert widening(2, 0.95) > widening(4, 0.95) > widening(40, 0.95) > 1.0
    assert widening(4, 0.95) == pytest.approx((4 / 3) ** 0.5 * 2.3534 / 1.6449, rel=1e-3)


def test_cutoffs_that_disagree_promote_nobody_though_their_sum_is_better(gate_params):
    moody = INCUMBENT * np.array([[0.85], [0.85], [0.85], [1.3]])
    assert not _decide(gate_params, moody).promote


def test_a_gain_within_the_luck_of_a_seed_is_none(gate_params):
    lucky = gate_params.model_copy(update={"min_gain": 0.005})
    slightly, clearly = INCUMBENT * 0.997, INCUMBENT * 0.99
    assert confidence_of(slightly, INCUMBENT, gate_params, 1) == 1.0
    assert not _decide(lucky, slightly).promote
    assert (
        _decide(lucky, clearly).reasons[0].startswith("better by 0.5% in 100.0% of bootstrap draws")
    )


def test_a_refit_need_not_be_better_but_must_do_no_harm(gate_params):
    metrics = GuardrailMetrics(0.0, 0.95)
    for factor, is_promoted in ((1.0, True), (1.005, True), (1.05, False)):
        decision = decide(
            Evidence(INCUMBENT * factor, INCUMBENT, metrics, metrics, NO_HARM), gate_params, 1
        )
        assert decision.promote is is_promoted, decision.reasons
        assert decision.rule == NO_HARM
        assert not decide(
            Evidence(INCUMBENT * factor, INCUMBENT, metrics, metrics, IMPROVEMENT), gate_params, 1
        ).promote


def test_without_a_window_to_compare_on_the_guardrails_decide_alone(gate_params):
    good, bad = GuardrailMetrics(0.0, 0.95), GuardrailMetrics(0.5, 0.95)
    decision = decide(Evidence(None, None, good, good, NO_HARM), gate_params, 1)
    assert (decision.promote, decision.confidence, decision.relative_difference) == (
        True,
        None,
        None,
    )
    assert not decide(Evidence(None, None, bad, good, NO_HARM), gate_params, 1).promote


def test_one_window_and_one_block_are_no_evidence(gate_params):
    """Every draw of one is that one: it once stood as 100% of draws.

    A refit passes unless that little is harm.
    """
    good, one = GuardrailMetrics(0.0, 0.95), np.array([[1.0]])
    better = decide(Evidence(one * 0.5, one, good, good), gate_params, 1)
    assert (better.promote, better.confidence, better.relative_difference) == (False, None, -0.5)
    assert better.reasons == [
        "one window and one block of series are too few to say whether it is better (-50.0%)"
    ]
    for factor, is_promoted in ((1.0, True), (1.3, False)):
        decision = decide(Evidence(one * factor, one, good, good, NO_HARM), gate_params, 1)
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
    metrics = GuardrailMetrics(0.0, 0.95)
    decision = decide(Evidence(BETTER, INCUMBENT, metrics, metrics, tables=tables), gate_params, 1)
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
        1,
    )
    assert decision.reasons == ["WAPE of slice velocity_slow is +20.0%, 5% allowed"]


def test_blocks_are_store_departments_and_single_series_without_them():
    series = pl.DataFrame(
        {
            "unique_id": ["a", "b", "c"],
            "store_id": ["S1", "S1", "S2"],
            "dept_id": ["D1", "D1", "D1"],
        }
    )
    assert blocks_of(series).tolist() == [0, 0, 1]
    assert blocks_of(series.select("unique_id")).tolist() == [0, 1, 2]


def test_the_losses_of_all_blocks_add_up_to_the_wrmsse_of_the_series_level(
    make_panel, inference_params
):
    panel = make_panel(series=8, days=90, seed=3)
    cutoffs = [panel.last_day - timedelta(days=k) for k in (28, 14)]
    plan = BacktestPlan(cutoffs, 14, 1, None, inference_params, EVERY_DAY)
    rows = backtest(panel, {"seasonal_naive": SeasonalNaive(7, EVERY_DAY)}, plan)
    (losses,) = losses_of(panel, rows, ["seasonal_naive"], levels_of(((),)), EVERY_DAY)
    for row, cutoff in zip(losses, cutoffs, strict=True):
        window = window_after(panel, cutoff, 14, levels_of(()), EVERY_DAY)
        wrmsse = point_scores(
            window.levels[-1], window.matrix(rows.filter(cutoff=cutoff), "seasonal_naive")
        )["wrmsse"]
        assert row.sum() == pytest.approx(wrmsse)


def test_a_guardrail_the_incumbent_breaks_further_does_not_keep_it_in_office(gate_params):
    worse = GuardrailMetrics(bias=-0.2, coverage_95=0.7)
    assert _decide(gate_params, BETTER, bias=-0.15, coverage=0.8, theirs=worse).promote
    assert not _decide(gate_params, BETTER, bias=-0.25, coverage=0.8, theirs=worse).promote
    assert not _decide(gate_params, BETTER, bias=0.0, coverage=0.6, theirs=worse).promote
