"""How slow, resting and intermittent series are parted and scored."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.slow_series_scores import (
    croston,
    demand_classes,
    parts_of,
    pinball,
    simple_means,
)
from benchmarks.accuracy.slow_series_table import TREES, table
from contract.params_file import AS_SET
from contract.quantiles import QUANTILES


def _history(days: int, *sold: dict[int, float]) -> np.ndarray:
    """(series, days) units, each series' given by days before the cutoff (1 is the last)."""
    history = np.zeros((len(sold), days))
    for row, units in zip(history, sold, strict=True):
        for before, y in units.items():
            row[-before] = y
    return history


def test_a_series_rests_by_the_days_since_its_last_sale_and_has_a_velocity_only_while_it_does_not():
    history = _history(
        300,
        {},
        {300: 1},
        {100: 1, 28: 1},
        {100: 1, 29: 1},
        {200: 1, 113: 1},
        {60: 28, 5: 28},
        {9: 1},
    )
    parts = parts_of(history)
    assert parts["at rest"].tolist() == [
        "", "224 and more", "", "28 to 55 days", "112 to 223", "", ""
    ]  # fmt: skip
    assert parts["units a day"].tolist() == ["", "", "under 0.1", "", "", "0.3 to 1", ""]


def test_demand_is_parted_by_how_often_and_how_evenly_it_comes():
    every_day, seldom = np.ones(40), np.where(np.arange(40) % 4 == 0, 1.0, 0.0)
    wild = np.where(np.arange(40) % 8 == 0, 9.0, 1.0)
    history = np.stack([every_day, wild, seldom, seldom * wild])
    classes = demand_classes(history, history > 0, np.full(4, 40))
    assert classes.tolist() == ["smooth", "erratic", "intermittent", "lumpy"]


def test_the_loss_of_quantiles_is_the_mean_over_the_nine():
    taus = np.array(list(QUANTILES.values()))
    assert pinball(np.array([2.0]), np.zeros((1, 9)))[0] == pytest.approx(2 * taus.mean())
    assert pinball(np.array([0.0]), np.ones((1, 9)))[0] == pytest.approx((1 - taus).mean())


def test_croston_s_heirs_read_from_the_first_sale_and_an_unsold_series_is_zero():
    history = _history(60, {}, dict.fromkeys(range(1, 31), 2.0))
    found = croston(history)
    assert found["TSB"].tolist() == pytest.approx([0.0, 2.0])
    assert found["SBA"][1] == pytest.approx(1.9)
    assert simple_means(history, 3)["mean of 28"].tolist() == [[0.0] * 3, [2.0] * 3]


def test_a_result_without_a_sale_in_a_part_has_no_shares_of_nothing():
    sums = {"series": 4, "sold": 0, "units": 0.0, "error": 1.0, "absolute": 1.0, "covered": 4}
    sums |= {"squared": 0.1, "squared_sum": 0.2, "pinball": 0.1, "pinball_sum": 0.1}
    none = sums | dict.fromkeys(("squared", "squared_sum", "pinball", "pinball_sum"), 0.0)
    of_part = {"parted": "at rest", "part": "224 and more"}
    sides = {AS_SET: sums, TREES: sums, "zero": none}
    found = {
        "data": "a shop",
        "seen": "unseen",
        "cutoffs": ["2024-01-01"],
        "wrmsse": {AS_SET: [0.5], TREES: [0.5]},
        "rows": [of_part | {"forecaster": name} | row for name, row in sides.items()],
        "resting": [
            {"cutoff": "2024-01-01", "forecaster": name} | sums for name in (AS_SET, TREES)
        ],
    }
    assert "none sold, none sold, none sold (zero)" in table({"one": found, "machine": {}})
