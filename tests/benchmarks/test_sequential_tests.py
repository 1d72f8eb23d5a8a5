"""The comparison with river's Page-Hinkley and ADWIN can fail: it counts by hand, finds a huge
shift once and in noise none.

river is the extra `peers` of pyproject.toml (`make extras`), which the lock leaves out; what needs
it is skipped where it is absent.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.detection import sequential_tests
from benchmarks.detection.sequential_counts import (
    HOLD_DAYS,
    Run,
    alerts,
    by_size,
    false_alarms,
    is_open,
    runs_of,
    together,
    tuned_knobs,
)
from benchmarks.detection.sequential_rivals import (
    HAS_RIVER,
    NO_RIVER,
    Kind,
    Rival,
    by_engine,
    by_river,
    defaults,
    kinds,
)
from benchmarks.detection.sequential_streams import (
    BIAS,
    BY_GROUP,
    SIZES,
    WATCHED_DAYS,
    Stream,
    engine_slack,
    shifted,
    starts_of,
)
from benchmarks.harness.registry import Context
from contract.params import SignalParams
from monitoring import cusum
from monitoring.cusum import CLIP, centre_and_spread
from monitoring.judge import past_of
from monitoring.signal import Signal

PARAMS = SignalParams(
    false_alarms_per_quarter=0.1, watch_days=28, past_days=364, least_past_days=84
)
FIRST, WATCHED_FROM, DAYS, LIMIT = date(2022, 1, 3), 200, 330, 15.0
RIVALS = [
    "engine",
    "Page-Hinkley, defaults",
    "ADWIN, defaults",
    "Page-Hinkley, tuned",
    "ADWIN, tuned",
]
needs_river = pytest.mark.skipif(not HAS_RIVER, reason=NO_RIVER)


def stream(
    rows: int = 1, sides: str = "both", shift: float = 0.0, since: int = 0, name: str = BIAS
) -> Stream:
    """Noise of one spread a day, moved by `shift` spreads from day number `since` on."""
    z = np.clip(np.random.default_rng(4).normal(0, 1, (rows, DAYS)), -2, 2)
    z[:, since:] = np.clip(z[:, since:] + shift, -CLIP, CLIP) if since else z[:, since:]
    names = tuple(map(str, range(rows)))
    signal = Signal(
        name, "", FIRST, names, z / 100, 0.001, "{group} {now} {usual} {spread}", "", sides
    )
    limits = {
        FIRST + timedelta(days=7 * week): np.full(rows, LIMIT) for week in range(DAYS // 7 + 1)
    }
    return Stream(name, signal, z, limits, WATCHED_FROM, PARAMS)


def rival(name: str) -> Rival:
    """The engine, or a detector as river makes it or with another threshold for all."""
    if name == "engine":
        return by_engine
    if not HAS_RIVER:
        pytest.skip(NO_RIVER)
    if name in defaults():
        return defaults()[name]
    kind = next(kind for kind in kinds() if name.startswith(kind.name))
    make = {"Page-Hinkley": kind.make(25.0, 0.5), "ADWIN": kind.make(1e-4, 1)}[kind.name]
    return partial(by_river, {BIAS: make, "accuracy": make})


@pytest.mark.parametrize("name", RIVALS)
def test_noise_raises_no_alert_and_a_huge_shift_exactly_one(name):
    quiet, moved = stream(), stream(shift=4.0, since=WATCHED_FROM + 40)
    detected = rival(name)(quiet, WATCHED_FROM)
    assert false_alarms({BIAS: detected}) == {BIAS: 0}
    detected = rival(name)(moved, WATCHED_FROM)[:, : 40 + WATCHED_DAYS]
    assert not is_open(detected)[0, :40].any()
    assert alerts(detected) == 1


@pytest.mark.parametrize("name", RIVALS)
def test_where_only_growth_is_an_alert_a_fall_is_none(name):
    falls = stream(sides="up", shift=-4.0, since=WATCHED_FROM + 40, name="accuracy")
    assert false_alarms({"accuracy": rival(name)(falls, WATCHED_FROM)}) == {"accuracy": 0}


@needs_river
def test_a_signal_that_is_unlike_what_was_shifted_is_not_called_found():
    """A rival that never speaks finds nothing of any size; one that always does is not tried."""
    quiet = stream()
    starts = starts_of(quiet, 20)
    deaf = partial(by_river, {BIAS: kinds()[0].make(1e9, 0.0)})
    found = by_size(runs_of(quiet, deaf, deaf(quiet, WATCHED_FROM), starts))
    assert {size: (one["share"], one["days"]) for size, one in found.items()} == dict.fromkeys(
        map(str, SIZES), (0.0, None)
    )
    always = np.zeros((1, DAYS - WATCHED_FROM))
    assert runs_of(quiet, deaf, always, starts) == []


def test_a_shift_is_so_many_spreads_of_the_past_and_moves_nothing_before_it():
    clean, start = stream(rows=2), WATCHED_FROM + 30
    moved = shifted(clean, start)
    assert moved.moved_by.tolist() == [*SIZES, *(-size for size in SIZES)] * 2
    assert moved.rows.tolist() == [0] * 8 + [1] * 8
    assert moved.stream.z.shape == (16, start + WATCHED_DAYS)
    before = moved.stream.signal.values - clean.signal.values[moved.rows, : start + WATCHED_DAYS]
    assert np.abs(before[:, :start]).max() == 0
    until = replace(clean.signal, values=clean.signal.values[:, :start])
    spread = centre_and_spread(past_of(until, PARAMS), 0.001)[1]
    assert before[3, start:] == pytest.approx(np.full(WATCHED_DAYS, 2 * spread[0, 0]))
    assert (moved.stream.z[:, :start] == clean.z[moved.rows, :start]).all()


def test_another_slack_is_an_experiment_and_leaves_the_engine_as_it_was():
    usual = cusum.SLACK
    with pytest.raises(RuntimeError), engine_slack(0.5):
        assert cusum.SLACK == 0.5
        raise RuntimeError
    assert usual == cusum.SLACK
    slow = stream(shift=1.0, since=WATCHED_FROM + 40)
    assert alerts(by_engine(slow, WATCHED_FROM)) == 0
    assert alerts(by_engine(replace(slow, slack=0.25), WATCHED_FROM)) == 1


def test_an_alert_stays_open_until_its_cause_was_quiet_for_the_hold():
    detected = np.full((1, 100), np.nan)
    detected[0, [10, 10 + HOLD_DAYS]] = 3
    assert np.flatnonzero(is_open(detected)[0]).tolist() == list(range(10, 10 + 2 * HOLD_DAYS))
    assert alerts(detected) == 1
    detected[0, 10 + 3 * HOLD_DAYS - 1] = 3
    assert alerts(detected) == 2


def test_the_whole_mutes_its_groups():
    whole, groups = np.full((1, 60), np.nan), np.full((2, 60), np.nan)
    whole[0, 5], groups[0, 6], groups[1, 40] = 5, 6, 40
    assert false_alarms({BIAS: whole, BY_GROUP: groups}) == {BIAS: 1, BY_GROUP: 1}


def test_a_shift_not_found_is_later_than_all_that_were():
    runs = [Run(BIAS, "d", 1.0, delay, None) for delay in (4, 8, None, None, None)]
    assert by_size(runs)["1.0"] == {"runs": 5, "share": 0.4, "days": None}
    assert by_size(runs[:3])["1.0"]["days"] == 8


def test_together_is_found_by_the_first_and_accuracy_joins_a_bias_of_either_sign():
    delays = {(BIAS, 1.0): 9, (BIAS, -1.0): None, ("accuracy", 1.0): 12, (BY_GROUP, 1.0): 1}
    runs = [Run(name, "d", moved_by, delay, None) for (name, moved_by), delay in delays.items()]
    assert [(run.stream, run.delay) for run in together(runs)] == [("accuracy", 12), (BIAS, 9)]


def test_tuning_takes_the_most_sensitive_knob_that_alerts_no_more_than_wanted(monkeypatch):
    """Alerts by knob: 5 at 1, 1 at 2, 3 at 3, 2 at 4, 0 at 5. Two wanted: 4, as 2 is luck."""
    counts = {1: 5, 2: 1, 3: 3, 4: 2, 5: 0}

    def alerting(made, stream, first):
        detected = np.full((5, 10), np.nan)
        detected[: counts[made[BIAS]], 0] = 0
        return detected

    monkeypatch.setattr("benchmarks.detection.sequential_counts.by_river", alerting)
    kind = Kind(
        "any", lambda knob, other: knob, np.array([1, 2, 3, 4, 5]), (0.0,), "threshold", "slack"
    )
    assert tuned_knobs([stream()], kind, 0.0, {BIAS: 2}) == {BIAS: 4.0}
    assert tuned_knobs([stream()], kind, 0.0, {BIAS: 0}) == {BIAS: 5.0}


def test_without_river_the_benchmark_says_what_is_missing_and_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sequential_tests, "HAS_RIVER", False)
    context = Context(sequential_tests.BENCHMARK, Path("data"), Namespace())
    with pytest.raises(SystemExit, match=r"river.* is not installed.*`make extras`"):
        sequential_tests.measure(context)
