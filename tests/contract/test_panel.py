"""The panel: what is cut, what was known when, and what may not be put together."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.errors import BadUsage, ContractBroken, NotEnoughHistory
from contract.frames import SALES
from contract.panel import panel_of

FIRST = date(2024, 1, 1)
SERIES = pl.DataFrame({"unique_id": ["b", "a"]})


@pytest.fixture
def panel(sales_of):
    """Two series, three days."""
    return panel_of(sales_of({"b": [1, 2, 3], "a": [4, None, 6]}), SERIES)


def test_loose_frames_are_sorted_by_their_keys(panel):
    assert panel.sales.select("unique_id", "ds").rows() == [
        ("a", date(2024, 1, 1)),
        ("a", date(2024, 1, 3)),
        ("b", date(2024, 1, 1)),
        ("b", date(2024, 1, 2)),
        ("b", date(2024, 1, 3)),
    ]
    assert panel.series["unique_id"].to_list() == ["a", "b"]


def test_absent_facts_are_empty_frames_of_the_right_shape(panel):
    assert panel.prices.is_empty()
    assert panel.prices.columns == ["unique_id", "from_ds", "to_ds", "known_at", "price", "promo"]


def test_a_series_without_a_value_in_a_hierarchy_column_is_unplaced_there_so_that_levels_add_up(
    sales_of,
):
    series = pl.DataFrame({"unique_id": ["a", "b"], "dept_id": ["D1", None]})
    assert panel_of(sales_of({"a": [1]}), series).series["dept_id"].to_list() == ["D1", "unplaced"]


def test_a_repeated_series_day_is_refused(sales_of):
    sales = sales_of({"a": [1]})
    with pytest.raises(ContractBroken, match="repeats the key"):
        panel_of(pl.concat([sales, sales]), SERIES)


def test_the_first_and_last_day_are_those_of_sales(panel):
    assert (panel.first_day, panel.last_day) == (date(2024, 1, 1), date(2024, 1, 3))


def test_a_panel_without_sales_says_so():
    with pytest.raises(NotEnoughHistory, match="no sales row"):
        _ = panel_of(SALES.empty(), SERIES).last_day
    with pytest.raises(NotEnoughHistory, match="no sales row"):
        _ = panel_of(SALES.empty(), SERIES).first_day


def test_up_to_a_cutoff_keeps_the_cutoff_and_drops_every_sale_after_it(panel):
    cut = panel.up_to(date(2024, 1, 2))
    assert cut.last_day == date(2024, 1, 2)
    assert cut.sales.height == 3


def test_up_to_keeps_plans_made_for_later_days(make_panel):
    panel = make_panel(series=2, days=40)
    cut = panel.up_to(FIRST.replace(year=2023, day=10))
    for name in ("calendar", "prices", "series"):
        assert getattr(cut, name).equals(getattr(panel, name))


def test_up_to_leaves_the_panel_it_cuts_alone(panel):
    panel.up_to(date(2024, 1, 1))
    assert panel.sales.height == 5


def test_only_keeps_these_series_in_every_frame(make_panel):
    panel = make_panel(series=4, days=30)
    one = panel.only(pl.Series(["I00_S1"]))
    for name in ("sales", "series", "prices", "covariates"):
        assert getattr(one, name)["unique_id"].unique().to_list() == ["I00_S1"]
    assert one.calendar.equals(panel.calendar)


class TestAsKnownAt:
    """Series a sold 5 on the 1st by what was known on the 2nd; corrected to 7 on the 4th. Its 2nd
    came late, on the 5th.
    """

    @pytest.fixture
    def panel(self):
        """The frames a store would hand over."""
        sales = pl.DataFrame(
            {
                "unique_id": ["a", "a", "late"],
                "ds": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 1)],
                "y": [7.0, 9.0, 1.0],
                "known_at": [datetime(2024, 1, 4), datetime(2024, 1, 5), datetime(2024, 1, 6)],
            }
        )
        was = pl.DataFrame(
            {
                "unique_id": ["a", "a"],
                "ds": [date(2024, 1, 1), date(2024, 1, 1)],
                "y": [4.0, 5.0],
                "known_at": [datetime(2024, 1, 1, 12), datetime(2024, 1, 2)],
                "superseded_at": [datetime(2024, 1, 2), datetime(2024, 1, 4)],
            }
        )
        prices = pl.DataFrame(
            {
                "unique_id": ["a", "a"],
                "from_ds": [date(2024, 1, 1), date(2024, 1, 8)],
                "to_ds": [date(2024, 1, 7), date(2024, 1, 14)],
                "known_at": [datetime(2023, 12, 1), datetime(2024, 1, 5)],
                "price": [1.0, 2.0],
            }
        )
        series = pl.DataFrame({"unique_id": ["a", "late"]})
        panel = panel_of(sales, series, prices=prices, panel_hash="p")
        return replace(panel, superseded={"sales": was})

    def _y_of_the_first(self, panel, moment: datetime) -> list[float]:
        known = panel.as_known_at(moment)
        return known.sales.filter(unique_id="a", ds=date(2024, 1, 1))["y"].to_list()

    def test_before_anything_arrived_nothing_is_known(self, panel):
        assert self._y_of_the_first(panel, datetime(2024, 1, 1)) == []

    def test_the_first_word_holds_until_it_is_corrected(self, panel):
        assert self._y_of_the_first(panel, datetime(2024, 1, 1, 13)) == [4.0]

    def test_a_correction_holds_from_its_own_moment_and_the_old_word_ends_there(self, panel):
        assert self._y_of_the_first(panel, datetime(2024, 1, 2)) == [5.0]
        assert self._y_of_the_first(panel, datetime(2024, 1, 3, 23)) == [5.0]
        assert self._y_of_the_first(panel, datetime(2024, 1, 4)) == [7.0]

    def test_a_late_row_is_absent_until_it_came(self, panel):
        assert panel.as_known_at(datetime(2024, 1, 4)).last_day == date(2024, 1, 1)
        assert panel.as_known_at(datetime(2024, 1, 5)).last_day == date(2024, 1, 2)

    def test_a_series_not_known_yet_is_gone(self, panel):
        assert panel.as_known_at(datetime(2024, 1, 5)).series["unique_id"].to_list() == ["a"]
        assert panel.as_known_at(datetime(2024, 1, 6)).series["unique_id"].to_list() == [
            "a",
            "late",
        ]

    def test_a_price_announced_later_is_gone_a_plan_known_for_later_days_stays(self, panel):
        assert panel.as_known_at(datetime(2024, 1, 4)).prices["price"].to_list() == [1.0]
        assert panel.as_known_at(datetime(2024, 1, 5)).prices["price"].to_list() == [1.0, 2.0]

    def test_what_comes_out_is_a_sound_panel_with_one_row_a_key(self, panel):
        for day in range(1, 8):
            known = panel.as_known_at(datetime(2024, 1, day))
            SALES.check_key(known.sales)
            assert known.sales.equals(known.sales.sort("unique_id", "ds"))
            assert known.superseded == {}

    def test_its_hash_says_when(self, panel):
        assert panel.as_known_at(datetime(2024, 1, 5)).hash == "p@2024-01-05T00:00:00"


def test_a_glob_keeps_the_series_that_fit(make_panel):
    panel = make_panel(series=6, days=30)
    assert panel.matching("*_S2").series["unique_id"].to_list() == ["I00_S2", "I01_S2", "I02_S2"]
    assert panel.matching("I01_S1").sales["unique_id"].unique().to_list() == ["I01_S1"]


def test_a_glob_that_fits_no_series_is_refused_with_examples(make_panel):
    with pytest.raises(
        BadUsage, match=r"no series fits 'FOODS_\*'; there are 4, such as \['I00_S1', 'I00_S2'\]"
    ):
        make_panel(series=4, days=30).matching("FOODS_*")


@pytest.mark.parametrize("second", [2, 3])
def test_a_panel_cut_twice_is_the_panel_cut_once_at_the_later_day(sales_of, second):
    sales = sales_of({"a": [0, 5, 0, 2], "b": [3, 0, 0, 1], "c": [0, 0, 0, 4]}, FIRST)
    panel = panel_of(sales, pl.DataFrame({"unique_id": ["a", "b", "c"]}))
    first, later = FIRST + timedelta(days=1), FIRST + timedelta(days=second)
    once, twice = panel.since(later, 1.0), panel.since(first, 1.0).since(later, 1.0)
    assert twice.before.equals(once.before)
    assert twice.sales.equals(once.sales)
    assert once.before.rows() == [
        ("a", date(2024, 1, 2), date(2024, 1, 2), 5.0),
        ("b", date(2024, 1, 1), date(2024, 1, 1), 3.0),
    ]


def test_a_panel_that_begins_later_is_left_as_it_is(panel):
    assert panel.since(FIRST, 1.0) is panel
