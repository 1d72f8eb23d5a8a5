"""The second opinion of the group step: the last four weeks, and what followed them a year ago."""

from __future__ import annotations

import numpy as np
import pytest

from contract.days import YEAR
from forecasting.last_year import FADING, LEVEL_DAYS, SHARED, log_mean_days

KNOWN, STEPS = YEAR + 60, 14
TOTAL, STORE, OWN = np.log(1.3), np.log(1.1), np.log(0.8)
# two stores of two departments: of each group its row at the top, by store, by department, own
ROWS = [np.zeros(4, int), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.arange(4)]


def _logs(change: np.ndarray, groups: int) -> np.ndarray:
    """Logs of 100 units a day that were as much more from the day a year ago on; now 100 again."""
    logs = np.full((groups, KNOWN), np.log1p(100.0))
    then = KNOWN - YEAR
    logs[:, then : then + STEPS] = np.log1p(100.0 * np.exp(change))[:, None]
    return logs


def _changes(*, store: float = 0.0, own: float = 0.0) -> list[np.ndarray]:
    """Logs of the nodes where all share TOTAL, the first store adds `store`, and the first group
    `own`.
    """
    by_group = np.full(4, TOTAL) + np.array([store, store, 0, 0]) + np.array([own, 0, 0, 0])
    return [
        _logs(np.array([TOTAL]), 1),
        _logs(np.array([TOTAL + store, TOTAL]), 2),
        _logs(np.array([TOTAL, TOTAL]), 2),
        _logs(by_group, 4),
    ]


def _taken(logs: list[np.ndarray], rows: list[np.ndarray] = ROWS) -> np.ndarray:
    return log_mean_days(rows, logs, STEPS) - np.log(100.0)


def test_what_all_share_is_taken_nearly_whole():
    assert _taken(_changes()) == pytest.approx(np.full(4, SHARED * TOTAL))


def test_what_a_store_adds_counts_half_as_much():
    taken = _taken(_changes(store=STORE))
    assert taken[:2] == pytest.approx(np.full(2, SHARED * (TOTAL + FADING * STORE)))
    assert taken[2:] == pytest.approx(np.full(2, SHARED * TOTAL))


def test_what_a_group_adds_itself_counts_a_quarter():
    taken = _taken(_changes(own=OWN))
    assert taken[0] == pytest.approx(SHARED * (TOTAL + FADING**2 * OWN))
    assert taken[1:] == pytest.approx(np.full(3, SHARED * TOTAL))


def test_one_column_alone_is_the_generation_below_the_total():
    logs, rows = _changes(store=STORE)[:2], [np.zeros(2, int), np.arange(2)]
    assert _taken(logs, rows)[0] == pytest.approx(SHARED * (TOTAL + FADING * STORE))


def test_the_grand_total_alone_has_no_parents():
    assert _taken(_changes()[:1], [np.zeros(1, int)]) == pytest.approx([SHARED * TOTAL])


def test_a_group_that_did_not_sell_a_year_ago_follows_its_parents():
    logs = _changes(store=STORE, own=OWN)
    logs[-1][0, : KNOWN - 100] = np.nan
    assert _taken(logs)[0] == pytest.approx(SHARED * (TOTAL + FADING * STORE))


def test_the_level_is_that_of_the_last_four_weeks():
    logs = _changes()
    logs[-1][:, -LEVEL_DAYS:] = np.log1p(200.0)
    assert _taken(logs) == pytest.approx(np.full(4, np.log(2) + SHARED * TOTAL))


def test_days_that_were_not_usual_count_neither_now_nor_then():
    logs = _changes()
    for table in logs:
        table[:, [-3, KNOWN - YEAR - 5, KNOWN - YEAR + 2]] = np.nan
    assert _taken(logs) == pytest.approx(np.full(4, SHARED * TOTAL))


def test_without_a_usual_month_or_a_year_nothing_is_said():
    logs = _changes()
    logs[-1][2, -20:] = np.nan
    assert np.isnan(_taken(logs)).tolist() == [False, False, True, False]
    short = [table[:, -(YEAR + LEVEL_DAYS - 1) :] for table in logs]
    assert np.isnan(_taken(short)).all()
