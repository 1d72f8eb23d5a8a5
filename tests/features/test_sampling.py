"""Which rows are learned from."""

from __future__ import annotations

import numpy as np
import pytest

from contract.errors import NotEnoughHistory
from features.frame import targets
from features.sampling import serving_rows, training_rows


@pytest.fixture(scope="module")
def dense(make_panel, dense_of):
    """Eight series, 150 days."""
    return dense_of(make_panel(series=8, days=150, seed=2))


def test_origins_step_back_from_the_last_day_with_a_target(dense):
    rows = training_rows(dense, range(1, 8), 10, 60, 10**9, seed=1)
    assert sorted(set(rows.origin_ix.tolist())) == [68, 78, 88, 98, 108, 118, 128, 138, 148]


def test_a_later_block_starts_where_its_first_day_has_a_target(dense):
    rows = training_rows(dense, range(8, 15), 5, 100, 10**9, seed=1)
    assert rows.origin_ix.max() == 149 - 8
    assert set(rows.h.tolist()) == set(range(8, 15))


def test_every_row_has_a_known_target_and_a_series_that_had_launched(dense):
    rows = training_rows(dense, range(1, 15), 3, 28, 10**9, seed=1)
    assert not np.isnan(targets(dense, rows)).any()
    assert (dense.by_series["launch_ix"][rows.series_ix, 0] <= rows.origin_ix).all()
    assert (rows.target_ix <= dense.last_known).all()


def test_without_a_limit_no_such_row_is_left_out(dense):
    rows = training_rows(dense, range(1, 8), 5, 28, 10**9, seed=1)
    wanted = {
        (series, origin, h)
        for series in range(8)
        for origin in range(148, 27, -5)
        for h in range(1, 8)
        if origin + h <= 149
        and not np.isnan(dense.y[series, origin + h + dense.days.padding])
        and dense.by_series["launch_ix"][series, 0] <= origin
    }
    assert (
        set(zip(rows.series_ix.tolist(), rows.origin_ix.tolist(), rows.h.tolist(), strict=True))
        == wanted
    )


def test_rows_come_sorted_by_series(dense):
    rows = training_rows(dense, range(1, 8), 5, 28, 300, seed=1)
    assert (np.diff(rows.series_ix) >= 0).all()


@pytest.mark.parametrize("budget", [100, 500, 1500])
def test_a_budget_is_kept_about(dense, budget):
    rows = training_rows(dense, range(1, 15), 1, 28, budget, seed=1)
    assert 0.7 * budget < len(rows) < 1.3 * budget


def test_another_seed_is_another_sample_and_the_same_seed_the_same(dense):
    def picked(seed: int) -> set:
        rows = training_rows(dense, range(1, 8), 1, 28, 500, seed)
        return set(
            zip(rows.series_ix.tolist(), rows.origin_ix.tolist(), rows.h.tolist(), strict=True)
        )

    assert picked(1) == picked(1)
    assert len(picked(1) & picked(2)) < 0.5 * len(picked(1))


def test_a_smaller_budget_takes_its_rows_from_those_of_the_larger(dense):
    def picked(budget: int) -> set:
        rows = training_rows(dense, range(1, 8), 1, 28, budget, 1)
        return set(
            zip(rows.series_ix.tolist(), rows.origin_ix.tolist(), rows.h.tolist(), strict=True)
        )

    assert picked(200) < picked(800)


def test_a_panel_too_short_to_learn_from_says_what_is_needed(dense):
    with pytest.raises(
        NotEnoughHistory, match=r"has 150 days; .* h=145\.\.150 needs 153.*train\.horizon"
    ):
        training_rows(dense, range(145, 151), 5, 56, 100, seed=1)


def test_a_short_history_gives_the_later_half_of_its_origins(dense):
    """Day 149 is the last known; for h from 8 the newest origin is 141.

    So the first is 70 or later, whatever `min_history_days` says.
    """
    rows = training_rows(dense, range(8, 15), 1, 150, 100_000, seed=1)
    assert set(rows.origin_ix.tolist()) == set(range(70, 142))
    assert training_rows(dense, range(8, 15), 1, 60, 100_000, seed=1).origin_ix.min() == 60


def test_serving_asks_about_every_series_and_every_h_at_the_last_known_day(dense):
    rows = serving_rows(dense, range(1, 29))
    assert len(rows) == 8 * 28
    assert set(rows.origin_ix.tolist()) == {149}
    assert rows.target_ix.max() == 149 + 28
