"""Quantiles of several days' demand: by hand, on laws that are known, and against a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from forecasting.intervals import TAUS, Calibration, LevelSpans, Ratios
from forecasting.pairs import Pairs, calibrate
from forecasting.pit import shares_below
from forecasting.recalibration import IntervalScale, ScaledCalibration
from forecasting.scoring import calibration_json, calibration_of
from forecasting.span_learning import with_spans
from forecasting.spans import Spans, span_quantiles, spread_of

SERIES, HORIZON = 2000, 28


def _all_spans(rows: int, from_h: int, to_h: int) -> Spans:
    return Spans(np.arange(rows), np.full(rows, from_h), np.full(rows, to_h))


def _learned(level: str, y_hat: np.ndarray, y: np.ndarray) -> Calibration:
    pairs = [Pairs({level: y_hat}, {level: y}, np.full(len(y), np.nan))]
    return with_spans(calibrate(pairs, 12), pairs, 12)


def _poisson(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    means = np.repeat(random.uniform(0.2, 6.0, (SERIES, 1)), HORIZON, axis=1)
    return means, random.poisson(means).astype(float)


def test_sums_of_days_by_hand():
    table = np.array([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]])
    spans = Spans(np.array([0, 1, 1]), np.array([1, 2, 4]), np.array([4, 3, 4]))
    assert spans.sums(table).tolist() == [10.0, 50.0, 40.0]
    assert spans.days.tolist() == [4, 2, 1]


def test_a_length_between_two_lies_between_them_in_logs():
    double, fourfold = (Ratios([1.0], [[k] * 9], [0.0] * 9) for k in (2.0, 4.0))
    one = Ratios([1.0], [[1.0] * 9], [0.0] * 9)
    calibration = Calibration(
        {"series": [one]}, {"series": LevelSpans({2: double, 8: fourfold}, 0)}
    )
    means = np.ones((1, 8))
    for days, ratio in ((1, 1.0), (2, 2.0), (4, 3.0), (8, 4.0)):  # 4 is half of the way in logs
        quantiles = span_quantiles(calibration, "series", means, _all_spans(1, 1, days))
        assert quantiles[0].tolist() == pytest.approx([ratio * days] * 9)


def test_spread_by_hand_of_four_equal_days():
    sums, squares = np.array([4.0]), np.array([4.0])
    assert spread_of(0.0, sums, squares)[0] == pytest.approx(0.5)  # independent: 1 / sqrt(4)
    assert spread_of(1.0, sums, squares)[0] == pytest.approx(1.0)
    assert spread_of(0.5, sums, squares)[0] == pytest.approx(np.sqrt(0.5 + 0.5 / 4))


@pytest.mark.parametrize(("from_h", "to_h"), [(1, 7), (3, 6), (8, 28)])
def test_sums_of_independent_poissons_get_the_quantiles_of_their_poisson(from_h, to_h):
    calibration = _learned("series", *_poisson(1))
    means, y = _poisson(2)
    spans = _all_spans(SERIES, from_h, to_h)
    ours = span_quantiles(calibration, "series", means, spans)
    assert shares_below(spans.sums(y), ours.T) == pytest.approx(TAUS, abs=0.035)
    true = stats.poisson.ppf(0.835, spans.sums(means))
    assert float(np.mean(ours[:, 6] - true)) == pytest.approx(0.0, abs=0.5)


def test_summed_daily_quantiles_would_be_far_too_high():
    """Why spans are learned: what the design says of daily quantiles."""
    calibration = _learned("series", *_poisson(1))
    means, y = _poisson(2)
    h = np.tile(np.arange(1, 8), SERIES)
    days = calibration.quantiles("series", means[:, :7].ravel(), h).reshape(SERIES, 7, 9)
    summed = days.sum(axis=1)
    below = shares_below(y[:, :7].sum(axis=1), summed.T)
    assert below[6] > 0.93  # wanted: 0.835


@pytest.mark.parametrize("common", [0.0, 0.3, 0.9])
def test_the_share_that_all_days_have_in_common_is_found(common):
    groups, rng = 300, np.random.default_rng(3)
    means = np.full((groups, HORIZON), 200.0)
    own, shared = rng.normal(size=means.shape), rng.normal(size=(groups, 1))
    y = means * np.exp(0.1 * (np.sqrt(1 - common) * own + np.sqrt(common) * shared))
    learned = _learned("store_id", means, y).spans["store_id"]
    assert learned.by_length == {}
    assert learned.common == pytest.approx(common, abs=0.06)


def test_few_groups_are_covered_at_every_length():
    """Learned on 300 groups of one law, judged on 3,000 others."""

    def law(seed: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        means = rng.uniform(50, 400, (groups, 1)) * np.where(np.arange(HORIZON) % 7 < 5, 0.8, 1.5)
        error = 0.5 * rng.normal(size=(groups, 1)) + np.sqrt(0.75) * rng.normal(size=means.shape)
        return means, means * np.exp(0.15 * error - 0.15**2 / 2)  # a forecast is a mean

    calibration = _learned("store_id", *law(4, 300))
    means, y = law(5, 3000)
    for days in (1, 2, 7, 28):
        spans = _all_spans(3000, 1, days)
        below = shares_below(spans.sums(y), span_quantiles(calibration, "store_id", means, spans).T)
        assert below[[1, 6, 7]] == pytest.approx(TAUS[[1, 6, 7]], abs=0.035)


def test_a_closed_day_inside_has_no_weight():
    rng = np.random.default_rng(6)
    means = np.full((300, HORIZON), 100.0)
    y = means * np.exp(0.1 * rng.normal(size=means.shape))
    calibration = _learned("store_id", means, y)
    closed = means[:1].copy()
    closed[0, 3] = 0.0
    with_it = span_quantiles(calibration, "store_id", closed, _all_spans(1, 1, 4))
    without = span_quantiles(calibration, "store_id", means[:1], _all_spans(1, 1, 3))
    assert with_it == pytest.approx(without, rel=1e-9)


def test_unknown_days_are_left_out_of_both_sums():
    means, y = _poisson(7)
    y[:, ::7] = np.nan  # one day in seven was sold out
    holes = _learned("series", means, y)
    whole = _learned("series", *_poisson(7))
    spans = _all_spans(SERIES, 1, 7)
    with_holes, without = (span_quantiles(one, "series", means, spans) for one in (holes, whole))
    assert with_holes[:, 6].sum() / without[:, 6].sum() == pytest.approx(1.0, abs=0.03)


def test_spans_mostly_unknown_teach_nothing():
    means, y = np.ones((50, 28)), np.ones((50, 28))
    y[:, 1:] = np.nan
    learned = _learned("series", means, y).spans["series"]
    assert learned.by_length[7].quantiles == [[1.0] * 9]  # as where nothing was learned


def test_nothing_forecast_is_nothing_wanted():
    calibration = _learned("series", *_poisson(1))
    quantiles = span_quantiles(calibration, "series", np.zeros((1, 28)), _all_spans(1, 1, 28))
    assert quantiles.tolist() == [[0.0] * 9]


def test_quantiles_grow_and_are_never_negative():
    rng = np.random.default_rng(8)
    for level, learn in (("series", _poisson(1)), ("store_id", _few(9))):
        calibration = _learned(level, *learn)
        means = rng.gamma(0.3, 5.0, (200, 28)) * (rng.random((200, 28)) < 0.7)
        for _ in range(20):
            first = int(rng.integers(1, 29))
            spans = _all_spans(200, first, int(rng.integers(first, 29)))
            quantiles = span_quantiles(calibration, level, means, spans)
            assert (np.diff(quantiles, axis=1) >= 0).all()
            assert (quantiles >= 0).all()


def _few(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    means = rng.gamma(0.5, 60.0, (40, 28))
    return means, rng.poisson(means).astype(float)


def test_the_json_gives_back_what_was_learned():
    calibration = _learned("series", *_poisson(1))
    plain = calibration_json({"model": calibration})
    back = calibration_of(plain)["model"]
    means, spans = np.full((1, 28), 2.0), _all_spans(1, 1, 9)
    assert span_quantiles(back, "series", means, spans) == pytest.approx(
        span_quantiles(calibration, "series", means, spans), rel=1e-4
    )
    assert calibration_json({"model": back}) == plain


def test_a_calibration_of_older_code_has_no_spans():
    plain = calibration_json({"model": _learned("series", *_poisson(1))})
    del plain["spans"]
    assert calibration_of(plain)["model"].spans == {}


def test_scaled_intervals_scale_spans_by_the_class_of_their_mean_day():
    learned = _learned("series", *_poisson(1))
    scaled = ScaledCalibration(
        learned.by_level, learned.spans, IntervalScale((1, 1, 1), (1.0, 2.0, 1.0))
    )
    means = np.array([[0.5] * 28, [2.0] * 28])  # slow, medium
    spans = _all_spans(2, 1, 7)
    before = span_quantiles(learned, "series", means, spans)
    after = span_quantiles(scaled, "series", means, spans)
    assert after[0] == pytest.approx(before[0])
    median = before[1, 4]
    assert after[1, 6] - median == pytest.approx(2 * (before[1, 6] - median))
