"""Gaps and ends of plans: by hand, one store of three items, 28 days known, 14 ahead."""

from __future__ import annotations

import numpy as np
import pytest

from features.plans import PlanTables, as_planned, gaps, reach_of, stated_counts

KNOWN, AHEAD = 28, 14
ORIGIN = KNOWN - 1
NAN = np.nan


def _planned(
    price: np.ndarray, promo: np.ndarray | None = None, feed_ix: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Price and promotion as planned; NaN in `promo` is not stated."""
    feeds = np.zeros(len(price), dtype=np.int64) if feed_ix is None else feed_ix
    promo = np.zeros_like(price) if promo is None else promo
    stated = {
        name: stated_counts(table, feeds) for name, table in (("price", price), ("promo", promo))
    }
    is_promo_stated = ~np.isnan(promo)
    tables = PlanTables(
        price.copy(),
        np.nan_to_num(promo),
        is_promo_stated,
        stated,
        feeds,
        np.bincount(feeds),
        ORIGIN,
    )
    planned = as_planned(tables)
    return planned.price, planned.promo


@pytest.fixture
def price() -> np.ndarray:
    """Three items at 2, 3 and 5, stated throughout."""
    return np.repeat(np.array([[2.0], [3.0], [5.0]]), KNOWN + AHEAD, axis=1)


def test_a_whole_plan_is_taken_as_it_is(price):
    assert np.array_equal(_planned(price)[0], price)


def test_a_plan_that_ends_during_a_promotion_goes_on_at_the_price_before_it(price):
    promo = np.zeros_like(price)
    price[0, 25:], promo[0, 25:] = 1.5, 1.0
    price[:, 31:], promo[:, 31:] = NAN, NAN
    planned, promoted = _planned(price, promo)
    assert planned[0, 25:].tolist() == [1.5] * 6 + [2.0] * 11
    assert planned[1, 31:].tolist() == [3.0] * 11
    assert promoted[0, 25:31].tolist() == [1.0] * 6
    assert np.isnan(promoted[:, 31:]).all()


def test_an_item_always_on_promotion_keeps_the_last_price_stated(price):
    promo = np.ones_like(price)
    price[0, 20:] = 1.5
    price[:, 30:], promo[:, 30:] = NAN, NAN
    assert _planned(price, promo)[0][0, 30:].tolist() == [1.5] * 12


def test_a_hole_in_the_middle_is_filled_from_before_it(price):
    price[0, 36:] = 2.5
    price[:, 30:36] = NAN
    assert _planned(price)[0][0, 28:].tolist() == [2.0] * 8 + [2.5] * 6


def test_a_plan_that_starts_after_the_origin_leaves_the_old_price_until_then(price):
    price[:, 28:33], price[0, 33:] = NAN, 4.0
    assert _planned(price)[0][0, 28:].tolist() == [2.0] * 5 + [4.0] * 9


def test_a_plan_of_one_day_holds_for_one_day(price):
    price[0, 28] = 2.2
    price[:, 29:] = NAN
    assert _planned(price)[0][0, 28:].tolist() == [2.2] * 14


def test_what_a_plan_without_a_gap_leaves_out_has_left_the_range(price):
    """One item of twelve: the plan of its store goes on, so its price is not guessed."""
    many = np.repeat(price, 4, axis=0)
    many[0, 30:] = NAN
    assert np.isnan(_planned(many)[0][0, 30:]).all()


def test_a_tenth_of_a_store_at_once_is_a_plan_that_ended_for_them(price):
    """A department whose plan ends earlier than the others'."""
    many = np.repeat(price, 10, axis=0)
    many[:5, 30:] = NAN
    assert _planned(many)[0][:6, 41].tolist() == [2.0] * 6
    many[4, 30:] = 2.0
    assert np.isnan(_planned(many)[0][:4, 41]).all()


def test_an_item_that_left_before_the_plan_ended_gets_no_price_back(price):
    price[0, 20:] = NAN
    price[:, 32:] = NAN
    planned = _planned(price)[0]
    assert np.isnan(planned[0, 20:]).all()
    assert planned[1, 32:].tolist() == [3.0] * 10


def test_a_plan_that_lists_changes_alone_leaves_the_others_their_price(price):
    price[1:, 28:] = NAN
    price[0, 28:] = 2.4
    planned = _planned(price)[0]
    assert planned[:, 41].tolist() == [2.4, 3.0, 5.0]


def test_days_never_stated_of_a_week_are_no_gaps(price):
    """A plan without Sundays, as in the past."""
    price[:, 6::7] = NAN
    assert np.array_equal(_planned(price)[0], price, equal_nan=True)
    stated = stated_counts(price, np.zeros(3, dtype=np.int64))[0]
    assert reach_of(stated, ORIGIN) == AHEAD
    stated[30:] = 0
    assert reach_of(stated, ORIGIN) == 2


def test_a_list_of_a_few_is_known_in_the_first_days_of_a_panel_too():
    """Two of ten series are named on the third day and on the fourth, nobody later: such a list
    goes on as it may, a plan of all of them ends with the second day.
    """
    few, all_ten = np.array([[0, 0, 2, 2, 2, 0, 0, 0]]), np.array([[10, 10, 0, 0, 0, 0, 0, 0]])
    stated = np.vstack([few, all_ten])
    is_gap = gaps(stated, 3, np.array([10, 10]), fewest=1)
    assert is_gap.shape == stated.shape
    assert not is_gap[0, :5].any()


def test_a_plan_that_states_nothing_at_all_goes_nowhere_beyond_the_origin():
    stated = np.array([3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert reach_of(stated, 13) < 0


def test_a_price_of_nothing_or_less_is_not_carried(price):
    price[0, 27:30], price[1, 27:30] = 0.0, -1.0
    price[:, 30:] = NAN
    planned = _planned(price)[0]
    assert planned[:, 41].tolist() == [2.0, 3.0, 5.0]


def test_each_store_ends_by_itself(price):
    price[0, 30:] = NAN
    planned = _planned(price, feed_ix=np.array([0, 1, 1]))[0]
    assert planned[0, 30:].tolist() == [2.0] * 12


def test_a_feed_that_died_before_the_origin_is_carried_from_its_end(price):
    promo = np.zeros_like(price)
    price[:, 24:], promo[:, 24:] = NAN, NAN
    planned, promoted = _planned(price, promo)
    assert planned[0, 24:].tolist() == [2.0] * 18
    assert np.isnan(promoted[:, 24:]).all()


def test_a_list_of_promotions_has_ended_when_it_names_nothing_for_longer_than_ever():
    named = np.zeros((1, KNOWN + AHEAD))
    named[0, [3, 8, 15, 20, 27]] = 3
    assert gaps(named, ORIGIN, np.array([9]))[0].tolist() == [False] * 28 + [True] * 14
    named[0, 36] = 3  # five days at the end of nothing; six were between others
    assert not gaps(named, ORIGIN, np.array([9])).any()


def test_what_is_stated_counts_in_a_gap_of_the_others(price):
    promo = np.zeros_like(price)
    promo[:, 28:] = NAN
    promo[1, 30], promo[2, 30] = 0.0, 1.0
    many = _planned(np.repeat(price, 5, axis=0), np.repeat(promo, 5, axis=0))[1]
    assert many[5:, 30].tolist() == [0.0] * 5 + [1.0] * 5
    assert np.isnan(many[:5, 30]).all()


def test_a_plan_that_never_said_anything_stays_unknown(price):
    planned, promoted = _planned(np.full_like(price, NAN), np.full_like(price, NAN))
    assert np.isnan(planned).all()
    assert (promoted == 0).all()
