"""The comparison with other sequential tests: what it calls an alarm, a shift and a delay."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import numpy as np
import pytest

from benchmarks import sequential_tests
from benchmarks.sequential_tests import START_STEP_DAYS, Watched, _delays, engine, of_river
from contract.params import Params
from monitoring.signal import WHOLE, Signal

FIRST, PAST, WATCHED = date(2022, 1, 3), 400, 240


@pytest.fixture
def quiet(params: Params) -> Watched:
    values = np.random.default_rng(4).normal(0, 0.05, (1, PAST + WATCHED))
    signal = Signal("bias", "", FIRST, (WHOLE,), values, 0.01, "forecasts{group} {now:+.1%} off", "look")
    days = [FIRST + timedelta(days=PAST + k) for k in range(WATCHED)]
    return Watched(signal, days, values[0, PAST:] / 0.05, params.monitor)


def test_nothing_rings_on_noise_and_a_huge_shift_is_one_alert_within_days(quiet):
    assert engine(quiet) == set()
    (raised,) = engine(quiet.shifted(START_STEP_DAYS, 6.0), since=START_STEP_DAYS)
    assert 0 <= raised - START_STEP_DAYS < 5


def test_a_shift_has_the_size_asked_on_both_scales(quiet):
    shifted = quiet.shifted(START_STEP_DAYS, 2.0)
    moved = shifted.signal.values[0] - quiet.signal.values[0, : shifted.signal.values.shape[1]]
    assert moved[: PAST + START_STEP_DAYS].tolist() == [0.0] * (PAST + START_STEP_DAYS)
    assert moved[-1] == pytest.approx(2 * 0.05, rel=0.2)
    assert shifted.z[START_STEP_DAYS] - quiet.z[START_STEP_DAYS] == pytest.approx(2.0)


def test_a_delay_counts_from_the_first_shifted_day_and_an_alarm_of_the_quiet_path_is_none(quiet):
    def rings(_one: Watched, since: int = 0) -> set[int]:
        return {since + 3, since + 10}

    assert next(iter(_delays(rings, quiet, set(), 1.0))) == 4
    assert next(iter(_delays(rings, quiet, {START_STEP_DAYS + 3}, 1.0))) == 11


def test_rivers_detectors_hear_a_huge_shift(quiet):
    pytest.importorskip("river", reason="river is not installed; `make extras` brings it")
    hears = partial(of_river, detector=sequential_tests._page_hinkley(50.0, 0.005))
    assert hears(quiet) == set()
    assert min(hears(quiet.shifted(START_STEP_DAYS, 6.0))) - START_STEP_DAYS < 20
