"""The newsvendor's benchmark: its costs by hand, the fitted mean, and the canary: a run that reads
the day it orders for fails.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.accuracy import newsvendor
from benchmarks.accuracy.newsvendor import BOUND, judged, params_of_study, study_of
from benchmarks.accuracy.newsvendor_bound import (
    COSTS,
    SERVICES,
    below_bound,
    costs_by_day,
    multiplicative_mean,
)
from benchmarks.accuracy.newsvendor_orders import Study
from benchmarks.harness.registry import Context
from forecasting.contenders import CANDIDATE

STORES, ITEMS, DAYS = 3, 6, 420
SMALL = Study(test_days=56, learning_days=56, refit_days=56, recipes={CANDIDATE: {}})


def written(folder: Path) -> Path:
    """A Poisson world of a few series in the study's columns: what the benchmark reads."""
    rng = np.random.default_rng(3)
    store, item = (axis.ravel() for axis in np.indices((STORES, ITEMS)))
    days = np.arange(DAYS)
    of_series = 40 * rng.uniform(0.7, 1.3, STORES)[store] * rng.uniform(0.5, 1.5, ITEMS)[item]
    of_days = rng.uniform(0.7, 1.3, 7)[days % 7] * (1 + 0.2 * np.sin(days / 58))
    units = rng.poisson(np.outer(of_series, of_days))
    (folder / newsvendor.DATA).mkdir(parents=True)
    pl.DataFrame(
        {
            "date": [date(2023, 1, 2) + timedelta(days=int(k)) for k in days] * len(store),
            "store": np.repeat(store, DAYS),
            "item": np.repeat(item, DAYS),
            "sales": units.ravel(),
        }
    ).write_parquet(folder / newsvendor.DATA / "train.parquet")
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return written(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def panel(shared):
    return newsvendor.panel_of_study(shared / newsvendor.DATA)


def test_by_hand_what_is_short_and_what_is_left_over_costs():
    orders = np.full((len(COSTS), 1, 2), 10.0)
    costs = costs_by_day(orders, np.array([[13.0, 6.0]]))
    assert costs.tolist() == [[27, 4], [22.5, 10], [15, 20], [7.5, 30], [3, 36]]
    assert SERVICES == (0.9, 0.75, 0.5, 0.25, 0.1)


def test_the_fitted_mean_of_units_that_are_a_product_is_that_product():
    store, weekday = np.array([0, 0, 1]), np.arange(14) % 7
    units = np.outer([2.0, 2.0, 6.0], 1 + weekday)
    np.testing.assert_allclose(multiplicative_mean(units, [store], [weekday]), units)


def test_costs_below_the_bound_by_chance_say_nothing():
    """Twenty days that swing by 2: a mean gap of 0.5 may be luck, one of 5 is none."""
    bound = np.full((len(COSTS), 20), 30.0)
    swings = np.tile([-2.0, 2.0], 10)
    assert below_bound(bound + swings - 0.5, bound) is None
    assert below_bound(bound + swings + 5, bound) is None
    found = below_bound(bound + swings - 5, bound)
    assert found and "costs 25.00, and 30.00 who knows the true mean" in found


def test_costs_that_equal_the_bound_every_day_do_not_lie_below_it():
    bound = np.full((len(COSTS), 20), 30.0)
    assert below_bound(bound, bound) is None


def test_the_first_days_are_dropped_and_the_last_quarter_is_ordered_for(panel):
    assert panel.first_day == date(2023, 1, 2) + timedelta(days=27)
    study = study_of(panel, params_of_study())
    assert (study.test_days, study.refit_days, study.learning_days) == (98, 28, 112)


def test_an_honest_run_lies_above_the_bound(panel):
    honest = judged(panel, params_of_study(), SMALL)
    assert honest["below_bound"] is None
    ours, bound = (np.array(honest["costs"][side]) for side in (CANDIDATE, BOUND))
    assert (ours > bound).all() and ours.sum() < 1.3 * bound.sum()


def test_orders_do_not_move_with_the_days_after_them(panel):
    """The last day sells a hundred times as much: no order of an earlier day knows."""
    params, study = params_of_study(), Study(2, 7, 1, {CANDIDATE: {}})
    last = pl.col("ds") == panel.last_day
    wild = panel.sales.with_columns(y=pl.when(last).then(pl.col("y") * 100).otherwise("y"))
    calm, moved = (
        newsvendor.forecast_orders(one, params, study)[CANDIDATE]
        for one in (panel, replace(panel, sales=wild))
    )
    np.testing.assert_array_equal(calm, moved)


def test_a_run_with_the_day_itself_in_a_window_fails_and_keeps_nothing(shared, capsys):
    options = Namespace(shared=shared, series=0, leak=2)
    with pytest.raises(SystemExit, match=r"below the bound.*look for a window that holds it"):
        newsvendor.measure(Context(newsvendor.BENCHMARK, Path("data"), options))
    assert "| ours, as shipped |" in capsys.readouterr().out
