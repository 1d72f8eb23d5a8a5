"""Drills on orders: what the broken files hold, how lines are compared, and the rule of grades."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import polars as pl
import pytest

from drills.grade import grade_orders
from drills.order_drills import Lines, OrderMorning, compared, order_drills
from drills.order_faults import (
    ORDER_FAULTS,
    STOCK,
    SUPPLY,
    OrderFault,
    covers_from,
    half_supply,
    stock_of_tomorrow,
)
from drills.order_files import DAYS, OrderFiles, order_files

LAST = date(2024, 3, 4)
TAKEN = {"why_refused": {}, "notes": []}


@pytest.fixture(scope="module")
def right(make_panel) -> OrderFiles:
    panel = make_panel(series=8, days=60, nasty=False)
    return order_files(panel.sales, panel.series, seed=3)


def lines_of(units: dict[str, float | None], **columns: object) -> pl.DataFrame:
    """ORDERS as far as the drills read them."""
    whole = {"reason": None, "flags": None, "cover_from": LAST} | columns
    return pl.DataFrame(
        [{"unique_id": name, "units": value, **whole} for name, value in units.items()],
        schema_overrides={"units": pl.Float64, "reason": pl.String, "flags": pl.String},
    )


def test_what_sold_between_two_closes_is_what_the_stock_went_down_by(make_panel, right):
    panel = make_panel(series=8, days=60, nasty=False)
    day = right.last_day
    assert day == panel.last_day
    assert right.stock["ds"].n_unique() == DAYS
    sold = panel.sales.filter(ds=day).select("unique_id", "y")
    both = right.at_close(1).join(right.at_close(), on="unique_id").join(sold, on="unique_id")
    assert (both["on_hand"] - both["on_hand_right"] == both["y"]).all()
    assert (right.stock["on_hand"] >= 0).all()


def test_half_a_supply_file_has_half_of_its_rows_and_the_stock_is_right(right):
    for half in (1, 2):
        files = half_supply(right, half)
        assert files[STOCK].equals(right.at_close())
        assert files[SUPPLY].height == right.supply.height // 2
    assert (
        half_supply(right, 1)[SUPPLY].join(half_supply(right, 2)[SUPPLY], on="item_id").is_empty()
    )


def test_stock_of_tomorrow_is_that_of_the_last_close_under_another_day(right):
    today = stock_of_tomorrow(right, 2)[STOCK]
    assert today["ds"].unique().to_list() == [right.last_day + timedelta(days=2)]
    assert today["on_hand"].equals(right.at_close()["on_hand"])


@pytest.mark.parametrize("fault", ORDER_FAULTS, ids=lambda fault: fault.name)
def test_every_fault_changes_a_file(right, fault):
    for strength in fault.strengths:
        files = fault.files(right, strength)
        broken = [not files[STOCK].equals(right.at_close())]
        broken += [not files[SUPPLY].equals(right.supply)] if SUPPLY in files else []
        assert sum(broken) == 1


def test_a_line_is_right_or_says_that_it_is_not_or_does_not():
    wanted = lines_of({"a": 3, "b": 3, "c": 3, "d": 3, "e": 3}, flags="launch")
    orders = pl.concat(
        [
            lines_of({"a": 3}),
            lines_of({"b": None}, reason="stock_absurd"),
            lines_of({"c": 9}, flags="launch|stock_old|promotion"),
            lines_of({"d": 9}, flags="launch|promotion"),  # a promotion is no doubt
        ]
    )
    assert compared(orders, wanted, None) == Lines(1, Counter(stock_absurd=1, stock_old=1), 2)


def test_a_doubt_that_the_undisturbed_line_has_too_says_nothing_of_the_fault():
    wanted, orders = (lines_of({"a": units}, flags="stock_old") for units in (3.0, 9.0))
    assert compared(orders, wanted, None) == Lines(0, Counter(), 1)


def test_files_taken_at_their_word_are_right_where_the_cover_begins_with_the_delivery():
    wanted = lines_of({"a": 3, "b": 3})
    orders = pl.concat(
        [
            lines_of({"a": 9}, cover_from=LAST + timedelta(days=5)),
            lines_of({"b": None}, reason="beyond_horizon", cover_from=LAST + timedelta(days=5)),
        ]
    )
    lines = compared(orders, wanted, covers_from(LAST, 5))
    assert lines == Lines(1, Counter(beyond_horizon=1), 0)
    assert lines.sentence == "1 lines right, 1 beyond_horizon"
    assert compared(orders, wanted, covers_from(LAST, 4)).right == 0


def morning_of(proposals: list[pl.DataFrame], summary: dict) -> OrderMorning:
    """A morning that proposes one table after the other, the last one ever after."""
    coming = iter(proposals)
    return OrderMorning(
        lambda path: summary if path.exists() else {},
        lambda: [],
        lambda: next(coming, proposals[-1]),
        lambda: ["stock"],
    )


@pytest.mark.parametrize(
    ("broken", "grade", "steps", "outcome"),
    [
        ([5.0], "graceful", 0, "1 lines right"),
        ([9.0, 5.0], "catastrophic", 0, "1 wrong and not said"),
        ([None, None, 5.0], "degraded", 1, "1 stock_absurd"),
        ([None, 9.0, 9.0], "catastrophic", 0, "1 stock_absurd, not put right by the right files"),
    ],
)
def test_a_drill_sends_the_right_files_afterwards(right, tmp_path, broken, grade, steps, outcome):
    def lines(units: float | None) -> pl.DataFrame:
        return lines_of({"a": units}, reason="stock_absurd" if units is None else None)

    def begin(folder):
        is_undisturbed = folder.name == "undisturbed"
        return morning_of([lines(u) for u in ([5.0] if is_undisturbed else broken)], TAKEN)

    fault = OrderFault("x", "stock is wrong", (1,), ORDER_FAULTS[0].files)
    (result,) = order_drills(right, begin, tmp_path, [fault])
    assert (result["grade"], result["manual_steps"]) == (grade, steps)
    assert result["outcome"] == outcome
    assert result["seen_by"].endswith("this morning: stock")
    assert result["kind"] == "order"


@pytest.mark.parametrize(
    ("said", "unsaid", "is_put_right", "grade"),
    [
        (0, 0, True, "graceful"),
        (3, 0, True, "degraded"),
        (3, 1, True, "catastrophic"),
        (0, 0, False, "catastrophic"),
    ],
)
def test_the_rule_for_orders(said, unsaid, is_put_right, grade):
    assert grade_orders(said, unsaid, is_put_right) == grade
