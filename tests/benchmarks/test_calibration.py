"""The evidence on quantiles: which cells a part holds, and that the share below is read over them
alone.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.accuracy.calibration import coverage_of, negative_binomial, parts_of, poisson
from contract.demand import DemandRules
from contract.levels import SERIES_LEVEL, TOTAL, levels_of
from contract.panel import panel_of
from contract.quantiles import QUANTILES
from forecasting.window import window_after

DAYS, HORIZON = 90, 14
EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)


@pytest.fixture
def window():
    """A fast series named after a slow one, so that the order of series and the order of groups
    differ.
    """
    ids, units = ["z_slow", "a_fast"], [0.0, 9.0]
    ds = [date(2024, 1, 1) + timedelta(days=k) for k in range(DAYS)]
    y = np.repeat(units, DAYS)
    y[0] = 1.0  # the slow one did sell once
    sales = pl.DataFrame(
        {
            "unique_id": np.repeat(ids, DAYS),
            "ds": ds * 2,
            "y": y,
            "known_at": [datetime(2024, 6, 1)] * 2 * DAYS,
        }
    )
    panel = panel_of(sales, pl.DataFrame({"unique_id": ids}))
    return window_after(
        panel, ds[-1] - timedelta(days=HORIZON), HORIZON, levels_of([[]]), EVERY_DAY
    )


def test_a_part_holds_the_cells_of_its_own_series_and_weeks(window):
    by_level = {level.level: level for level in window.levels}
    bottom = by_level[SERIES_LEVEL]
    masks = {(kind, part): mask for kind, part, mask in parts_of(window, bottom)}
    fast = masks["velocity", "fast"]
    assert bottom.y[fast].tolist() == [9.0] * HORIZON
    assert not (fast & masks["velocity", "slow"]).any()
    assert masks["week", "2"].sum() == 2 * 7
    assert {kind for kind, _, _ in parts_of(window, by_level[TOTAL])} == {"level", "week"}


def test_by_hand_a_poisson_of_mean_one_and_what_lies_inside():
    quantiles = poisson(np.array([[1.0, 1.0]]))
    assert [float(quantiles[name][0, 0]) for name in QUANTILES] == [0, 0, 0, 0, 1, 2, 2, 3, 4]
    scores = coverage_of(np.array([[2.0, 4.0]]), quantiles, np.ones((1, 2), dtype=bool))
    assert (
        scores["cells"],
        scores["coverage_50"],
        scores["coverage_95"],
        scores["coverage_99"],
    ) == (2, 0.5, 0.5, 1.0)


def test_a_negative_binomial_of_a_past_without_excess_is_a_poisson_and_else_is_wider(window):
    bottom = {level.level: level for level in window.levels}[SERIES_LEVEL]
    means = np.full((2, HORIZON), 9.0)
    steady = np.tile([8.0, 9.0, 10.0], (2, 40))
    wild = np.tile([0.0, 0.0, 27.0], (2, 40))
    calm = negative_binomial(means, steady, bottom)
    assert all((calm[name] == poisson(means)[name]).all() for name in QUANTILES)
    assert (negative_binomial(means, wild, bottom)["q975"] > calm["q975"]).all()
