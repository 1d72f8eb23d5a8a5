"""When is ordered and what an order must last for: by hand, on a calendar one can look up."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ordering.calendar import Cover, Life, Rhythm, covers, life_of, order_lines, rhythm_of

MONDAY, TUESDAY, THURSDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 8)
DAILY = Rhythm((), 1, None, ((1, 1.0),), None)


def _rhythm(**changes: object) -> Rhythm:
    fields = DAILY.__dict__ | changes
    return Rhythm(**fields)


def test_an_order_on_monday_delivered_on_tuesday_lasts_until_before_fridays_delivery():
    """Ordered on Mondays and Thursdays, there the next morning."""
    rhythm = _rhythm(order_days=(1, 4))
    assert covers(rhythm, MONDAY) == [Cover(TUESDAY, THURSDAY, 1.0)]
    assert covers(rhythm, THURSDAY) == [Cover(date(2026, 1, 9), date(2026, 1, 12), 1.0)]


def test_daily_orders_of_a_days_lead_last_for_one_day():
    assert covers(DAILY, MONDAY) == [Cover(TUESDAY, TUESDAY, 1.0)]


def test_no_lead_time_is_sold_on_the_day_it_is_ordered():
    rhythm = _rhythm(lead_days=((0, 1.0),), review_days=7)
    assert covers(rhythm, MONDAY) == [Cover(MONDAY, date(2026, 1, 11), 1.0)]


def test_a_lead_time_that_varies_has_an_end_for_each():
    """From the earliest delivery; until before the next one, which may be late."""
    rhythm = _rhythm(order_days=(1,), lead_days=((2, 0.8), (4, 0.2)))
    assert covers(rhythm, MONDAY) == [
        Cover(date(2026, 1, 7), date(2026, 1, 13), 0.8),
        Cover(date(2026, 1, 7), date(2026, 1, 15), 0.2),
    ]


def test_a_short_life_ends_the_cover():
    rhythm = _rhythm(order_days=(1,), life_days=3)
    assert covers(rhythm, MONDAY) == [Cover(TUESDAY, THURSDAY, 1.0)]
    varying = _rhythm(order_days=(1,), lead_days=((1, 0.5), (2, 0.5)), life_days=3)
    assert covers(varying, MONDAY) == [Cover(TUESDAY, THURSDAY, 1.0)]


@pytest.mark.parametrize(
    ("day", "is_one"), [(date(2026, 1, 1), True), (MONDAY, False), (date(2026, 1, 15), True)]
)
def test_a_review_every_fortnight_is_counted_from_its_first_day(day, is_one):
    rhythm = _rhythm(review_days=14, first_order=date(2026, 1, 1))
    assert rhythm.is_order_day(day) is is_one
    assert _rhythm(review_days=14, first_order=date(2027, 1, 14)).is_order_day(day) is is_one


def test_a_life_is_one_cover_if_it_ends_before_the_next_delivery():
    weekly = _rhythm(order_days=(1,), life_days=3)
    assert life_of(weekly, MONDAY) == Life(THURSDAY, is_one_cover=True)
    daily = _rhythm(life_days=3)
    assert life_of(daily, MONDAY) == Life(THURSDAY, is_one_cover=False)
    assert life_of(_rhythm(life_days=1), MONDAY) == Life(TUESDAY, is_one_cover=True)
    assert life_of(DAILY, MONDAY) is None


def test_canonical_texts_are_read():
    supply = {
        "order_days": "1 4",
        "review_days": None,
        "first_order": None,
        "lead_days": "2:0.8 3:0.2",
        "shelf_life_days": 5.0,
    }
    expected = Rhythm((1, 4), 1, None, ((2, 0.8), (3, 0.2)), 5)
    assert rhythm_of(supply, lead_days=9) == expected
    rounded = rhythm_of(supply | {"lead_days": "1:0.33 2:0.33 3:0.33"}, 9)
    assert sum(share for _, share in rounded.lead_days) == pytest.approx(1)
    assert rhythm_of(supply | {"lead_days": "2"}, 9).lead_days == ((2, 1.0),)
    assert rhythm_of(supply | {"lead_days": None}, 9).lead_days == ((9, 1.0),)


def test_only_series_whose_order_day_it_is_have_lines():
    supply = pl.DataFrame(
        {
            "unique_id": ["a", "b", "c"],
            "order_days": ["1", "2", None],
            "review_days": [None] * 3,
            "first_order": [None] * 3,
            "lead_days": ["1", "1", "1:0.5 2:0.5"],
            "shelf_life_days": [None] * 3,
        },
        schema_overrides={"review_days": pl.Float64, "first_order": pl.Date},
    )
    lines = order_lines(supply, MONDAY, lead_days=1)
    assert lines["unique_id"].to_list() == ["a", "c", "c"]
    assert lines["probability"].to_list() == [1.0, 0.5, 0.5]
    assert order_lines(supply.clear(), MONDAY, 1).is_empty()
