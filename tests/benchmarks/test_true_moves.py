"""What stood behind an alert: by the record of a world, day by day and group by group."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from benchmarks.detection.true_moves import (
    AFTER_DAYS,
    Record,
    group_named,
    put_down,
    record_of,
    summed,
    table,
)
from benchmarks.harness.params import params_here
from benchmarks.harness.worlds import chain_params
from contract.params import SimulatorParams
from monitoring.signal import WHOLE

FIRST = date(2024, 1, 1)
STORE = "store_id:CA_1"


def test_the_group_stands_at_the_end_of_a_cause() -> None:
    """Whatever the signal; without one the whole is meant."""
    assert group_named("drift:demand:store_id:CA_1") == STORE
    assert group_named("bias:dept_id:FOODS_1") == "dept_id:FOODS_1"
    assert group_named("drift:demand") == WHOLE


def test_an_alert_is_put_down_to_its_own_group_alone() -> None:
    """A store that broke explains the store's alert, not that of the whole."""
    broke, never = np.arange(40) == 1, np.zeros(40, dtype=bool)
    quiet = {"break": never, "shut": never}
    groups = {WHOLE: quiet, STORE: {"break": broke, "shut": never}}
    record = Record(FIRST, groups, {STORE: [FIRST + timedelta(days=1)]})
    alerts = {"bias": [[str(FIRST + timedelta(days=1)), f"bias:{STORE}"], [str(FIRST), "bias"]]}
    found = put_down(record, alerts, [FIRST + timedelta(days=k) for k in range(40)])
    assert found == {
        "alerts": {"bias": {"break": 1, "neither": 1}},
        "of_days": {"break": pytest.approx(1 / 80, abs=1e-3), "shut": 0.0},
        "breaks": {"in_all": 1, "found": 1},
    }
    assert summed([found, found])["alerts"] == {"bias": {"break": 2, "neither": 2}}
    assert "| one | bias | 2 | 1 | 0 | 1 |" in table({"one": found})


def test_a_break_counts_on_its_day_and_four_weeks_after(hard: SimulatorParams) -> None:
    """So long and no longer, unless another follows."""
    lately = [of["break"] for of in record_of(hard).groups.values() if of["break"].any()]
    assert lately, "two years of a chain hold breaks"
    for days in lately:
        starts = np.flatnonzero(days[1:] & ~days[:-1]) + 1
        assert all(days[at : at + AFTER_DAYS + 1].all() for at in starts)


def test_a_calm_world_has_no_record(hard: SimulatorParams) -> None:
    """Nothing breaks in it."""
    with pytest.raises(ValueError, match="calm"):
        record_of(hard.model_copy(update={"world": "calm"}))


@pytest.fixture(scope="module")
def hard() -> SimulatorParams:
    """Few series of the hard world, long enough for breaks."""
    return chain_params(params_here(), 60, 700, 3).model_copy(update={"world": "hard"})
