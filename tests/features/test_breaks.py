"""Levels that break: rows of the stepping copy are what serving would make of such a panel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.panel import Panel
from features.breaks import EVERY_DAYS, FRESH, LARGEST, BrokenLevels, with_broken_levels
from features.dense_panel import DensePanel
from features.frame import Rows, feature_matrix, feature_names, targets
from features.sampling import row_hash, training_rows, unit_hash

HS = range(1, 15)
GROUPS = [["store_id"], ["dept_id"]]


@pytest.fixture(scope="module")
def panel(make_panel) -> Panel:
    """Ten nasty series of two stores and two departments."""
    return make_panel(series=10, days=300, seed=5)


@pytest.fixture(scope="module")
def dense(panel, dense_of) -> DensePanel:
    return dense_of(panel, hierarchy=GROUPS)


@pytest.fixture(scope="module")
def broken(dense) -> BrokenLevels:
    return with_broken_levels(dense, seed=7)


def _factors(dense: DensePanel, broken: BrokenLevels) -> np.ndarray:
    """(series, known days) by what units were scaled; NaN where nothing sold."""
    known = slice(dense.days.padding, dense.days.padding + dense.days.known)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (
            broken.dense.by_series["y"][:, known] / np.where(dense.y > 0, dense.y, np.nan)[:, known]
        )


def _rows(dense: DensePanel) -> Rows:
    return training_rows(dense, HS, 5, 40, 10**6, seed=1)


def test_series_of_one_store_and_department_step_together_and_at_their_steps_alone(
    panel, dense, broken
):
    factor = np.log(_factors(dense, broken))
    assert np.nanmax(np.abs(factor)) <= len(GROUPS) * LARGEST
    assert np.nanstd(factor) > 0.3
    stays = broken.since[:, dense.days.padding :][:, 1 : factor.shape[1]] > 0
    for _, members in panel.series.with_row_index("row").group_by("store_id", "dept_id"):
        rows = members["row"].to_list()
        highest, lowest = np.fmax.reduce(factor[rows]), np.fmin.reduce(factor[rows])
        both = np.isfinite(highest)
        np.testing.assert_allclose(highest[both], lowest[both], atol=1e-4)
        moved = np.abs(np.diff(highest))[stays[rows[0]]]
        assert moved[np.isfinite(moved)].max() < 1e-4


def test_days_since_and_until_are_those_of_the_nearest_step_of_any_group(broken):
    since, until = broken.since, broken.until
    assert (np.diff(since, axis=1)[since[:, 1:] > 0] == 1).all()
    assert (np.diff(until, axis=1)[since[:, 1:] > 0] == -1).all()
    assert until[:, :-1][since[:, 1:] == 0].max() == 1
    steps = (since == 0).mean()
    assert steps == pytest.approx(1 / EVERY_DAYS, rel=0.5)


def test_a_row_begins_shortly_after_a_step_and_ends_before_the_next(dense, broken):
    rows = _rows(dense)
    for share in (0.05, 0.2):
        chosen = broken.rows(rows, HS, share, seed=1)
        assert len(chosen) == pytest.approx(share * len(rows), rel=0.2)
        place = dense.days.padding
        since = broken.since[chosen.series_ix, chosen.origin_ix + place]
        assert (since.min(), since.max()) == FRESH
        # no step lies between the origin and the target
        at_target = broken.since[chosen.series_ix, chosen.target_ix + place]
        assert (at_target == since + chosen.h).all()
    everything = broken.rows(rows, HS, 1.0, seed=1)
    assert len(everything) < len(rows)


def test_rows_of_the_copy_are_the_rows_serving_would_make_of_such_a_panel(
    panel, dense, broken, dense_of
):
    """Every feature and target, group tables too, from a panel that truly sold so."""
    days = pl.DataFrame(
        {"ds": [panel.first_day + timedelta(days=k) for k in range(dense.days.known)]}
    )
    cells = panel.series.select("unique_id").join(days, how="cross", maintain_order="left_right")
    factors = cells.with_columns(
        factor=pl.Series(np.nan_to_num(_factors(dense, broken), nan=1.0).ravel())
    )
    sold = panel.sales.join(factors, on=["unique_id", "ds"], how="left", maintain_order="left")
    sales = sold.with_columns(y=pl.col("y") * pl.col("factor").fill_null(1.0)).drop("factor")
    truly = dense_of(replace(panel, sales=sales), hierarchy=GROUPS)
    rows = broken.rows(_rows(dense), HS, 0.3, seed=1)
    names = feature_names(dense)
    ours = pl.DataFrame(feature_matrix(broken.dense, rows), schema=names).fill_nan(None)
    theirs = pl.DataFrame(feature_matrix(truly, rows), schema=names).fill_nan(None)
    assert_frame_equal(ours, theirs, check_dtypes=False, rel_tol=1e-3, abs_tol=1e-3)
    np.testing.assert_allclose(targets(broken.dense, rows), targets(truly, rows), rtol=1e-4)


def test_a_refit_a_day_later_sees_the_same_steps(panel, dense, broken, dense_of):
    shorter = dense_of(panel.up_to(panel.last_day - timedelta(days=1)), hierarchy=GROUPS)
    earlier = with_broken_levels(shorter, seed=7)
    width = shorter.days.padding + shorter.days.known
    np.testing.assert_array_equal(earlier.since[:, :width], broken.since[:, :width])
    np.testing.assert_array_equal(
        earlier.dense.by_series["y"][:, :width], broken.dense.by_series["y"][:, :width]
    )
    other = with_broken_levels(dense, seed=8)
    assert not np.array_equal(other.since, broken.since)


def test_without_groups_each_series_steps_for_itself(panel, dense_of):
    alone = dense_of(panel, hierarchy=[])
    broken = with_broken_levels(alone, seed=7)
    assert len({tuple(row) for row in broken.since.tolist()}) > panel.series.height // 2
    assert (broken.since == 0).mean() == pytest.approx(1 / EVERY_DAYS, rel=0.5)
    assert broken.dense.shared.keys() == alone.shared.keys()


def test_prices_plans_and_the_panel_itself_stay(dense, broken):
    for name in dense.by_series.keys() - {"y"}:
        assert broken.dense.by_series[name] is dense.by_series[name]
    assert broken.dense.plans is dense.plans
    assert broken.dense.by_series["y"] is not dense.by_series["y"]


def test_a_hash_of_rows_is_that_of_their_grid():
    series, origins, h = np.arange(3), np.arange(4, 6), np.arange(1, 4)
    grid = unit_hash(series, origins, h, 9)
    assert grid.shape == (3, 2, 3)
    one = row_hash(np.array([2]), np.array([5]), np.array([3]), 9)
    assert one[0] == grid[2, 1, 2]
