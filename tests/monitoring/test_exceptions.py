"""What a planner should look at first, by hand."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.frames import ORDERS
from monitoring.exceptions import CAUSES, Evidence, exceptions

NOTHING = pl.DataFrame(
    schema={"unique_id": pl.String, **dict.fromkeys(("y", "mean", "q025", "q975"), pl.Float64)}
)


def sums(**changes: float | None) -> pl.DataFrame:
    """A calm series: 7 a week, as before, at a price of 2."""
    row = {"unique_id": "a", "price": 2.0, "units_next_7": 7.0, "units_last_28": 28.0}
    same = {"units_before": 28.0, "units_overlap": 28.0}
    return pl.DataFrame([row | same | changes], schema_overrides={"price": pl.Float64})


def order(**changes: object) -> pl.DataFrame:
    line = dict.fromkeys(ORDERS.schema) | {"unique_id": "a", "cover_to": date(2024, 3, 4)}
    stock = {"on_hand": 2.0, "on_order": 0.0, "position": 2.0, "demand": 20.0, "p_out_before": 0.0}
    return ORDERS.conform(pl.DataFrame([line | stock | changes]))


def found(sums_: pl.DataFrame, orders=None, week=NOTHING) -> list[dict]:
    horizon = pl.DataFrame({"unique_id": ["a"], "horizon_units": [28.0]})
    orders = ORDERS.empty() if orders is None else orders
    return exceptions(Evidence(sums_, orders, horizon, week), 10).to_dicts()


def test_a_calm_series_is_none():
    assert found(sums(), order()) == []


def test_each_cause_has_its_units_money_and_words():
    week = pl.DataFrame(
        {"unique_id": ["a"], "y": [3.0], "mean": [9.5], "q025": [5.0], "q975": [14.0]}
    )
    moved = sums(units_next_7=12.0, units_before=14.0)
    lines = found(moved, order(p_out_before=0.5, position=40.0), week)
    by_cause = {line["cause"]: (line["units"], line["money"], line["words"]) for line in lines}
    assert by_cause == {
        "forecast_moved": (14.0, 28.0, "14 before, 28 now"),
        "surplus": (12.0, 24.0, "40 there or on its way, 28 expected to sell"),
        "runs_out": (
            10.0,
            20.0,
            "50% likely; in hand 2, on its way 0, 20 wanted until 2024-03-04",
        ),
        "moves": (5.0, 10.0, "12 next week, 7 in a week of the last four"),
        "sold_otherwise": (2.0, 4.0, "sold 3, 9.5 expected, 5 to 14 in 95% of weeks"),
    }
    assert [line["money"] for line in lines] == [28.0, 24.0, 20.0, 10.0, 4.0]
    assert set(by_cause) == set(CAUSES)


def test_without_a_price_units_rank():
    lines = found(sums(units_next_7=12.0, units_before=14.0, price=None))
    assert [(line["units"], line["money"]) for line in lines] == [(14.0, None), (5.0, None)]


def test_a_series_without_a_price_comes_after_those_with_one():
    both = pl.concat([sums(units_next_7=12.0), sums(units_next_7=900.0, unique_id="b", price=None)])
    assert [line["unique_id"] for line in found(both)] == ["a", "b"]
