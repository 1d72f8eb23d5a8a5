"""Which row of the supply file says what of a series."""

from __future__ import annotations

import json
from datetime import datetime

import polars as pl
import pytest

from contract.frames import SERIES, SUPPLY
from contract.scopes import names_only, scope_of
from ordering.scopes import supply_of

SERIES_ROWS = SERIES.conform(
    pl.DataFrame(
        {
            "unique_id": ["N_milk", "N_rice", "S_milk"],
            "store_id": ["N", "N", "S"],
            "item_id": ["milk", "rice", "milk"],
            "supplier": ["dairy", None, "dairy"],
        }
    )
)


def supply(**rows: dict) -> pl.DataFrame:
    """SUPPLY: by the values that a row asks for (store_id__N, or all) what it says."""
    named = [
        dict(part.split("__") for part in key.split("___") if key != "all") | terms
        for key, terms in rows.items()
    ]
    columns = ["unique_id", "store_id", "item_id", "supplier", "region"]
    frame = pl.DataFrame(named, infer_schema_length=None).with_columns(
        known_at=datetime(2024, 3, 1)
    )
    absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns]
    return SUPPLY.conform(frame.with_columns(absent).with_columns(scope_of(columns)))


def said(rows: pl.DataFrame, term: str) -> dict[str, object]:
    return dict(supply_of(rows, SERIES_ROWS).terms.select("unique_id", term).rows())


def said_by(rows: pl.DataFrame, term: str) -> dict[str, object]:
    return dict(supply_of(rows, SERIES_ROWS).said_by.select("unique_id", term).rows())


def test_each_term_comes_from_the_most_specific_row_that_says_it():
    rows = supply(
        all={"lead_days": "5", "pack_size": 1.0, "target_service": 0.9},
        supplier__dairy={"lead_days": "1", "order_days": "1 4"},
        supplier__dairy___store_id__S={"lead_days": "2"},
        unique_id__N_milk={"pack_size": 12.0},
    )
    assert said(rows, "lead_days") == {"N_milk": "1", "N_rice": "5", "S_milk": "2"}
    assert said(rows, "pack_size") == {"N_milk": 12, "N_rice": 1, "S_milk": 1}
    assert said(rows, "order_days") == {"N_milk": "1 4", "N_rice": None, "S_milk": "1 4"}
    assert said(rows, "target_service") == dict.fromkeys(("N_milk", "N_rice", "S_milk"), 0.9)
    assert said_by(rows, "lead_days") == {
        "N_milk": '{"supplier":"dairy"}',
        "N_rice": "{}",
        "S_milk": '{"store_id":"S","supplier":"dairy"}',
    }
    assert said_by(rows, "order_days")["N_rice"] is None


def test_a_row_that_names_the_series_comes_before_one_that_names_more():
    rows = supply(
        unique_id__N_milk={"lead_days": "1"}, store_id__N___item_id__milk={"lead_days": "2"}
    )
    assert said(rows, "lead_days") == {"N_milk": "1"}


def test_of_two_that_name_as_much_the_one_for_fewer_series_holds():
    rows = supply(item_id__milk={"lead_days": "1"}, store_id__S={"lead_days": "2"})
    assert said(rows, "lead_days") == {"N_milk": "1", "S_milk": "2"}
    assert said(rows[::-1], "lead_days") == {"N_milk": "1", "S_milk": "2"}


def test_when_is_ordered_is_said_by_one_row():
    """Else a shop that reviews every 14 days would order on its supplier's Mondays as well."""
    rows = supply(all={"order_days": "1"}, store_id__N={"review_days": 14.0})
    assert said(rows, "order_days") == {"N_milk": None, "N_rice": None, "S_milk": "1"}
    assert said(rows, "review_days") == {"N_milk": 14, "N_rice": 14, "S_milk": None}
    assert said_by(rows, "order_days")["N_milk"] is None


def test_a_series_that_no_row_fits_is_not_there():
    rows = supply(item_id__rice={"lead_days": "1"}, region__east={"lead_days": "9"})
    assert said(rows, "lead_days") == {"N_rice": "1"}
    nothing = supply_of(SUPPLY.empty(), SERIES_ROWS)
    assert nothing.terms.is_empty()
    assert nothing.terms.columns == nothing.said_by.columns


def test_the_order_of_rows_changes_nothing():
    rows = supply(
        all={"lead_days": "5"}, supplier__dairy={"lead_days": "1"}, store_id__S={"pack_size": 6.0}
    )
    once, again = (supply_of(one, SERIES_ROWS) for one in (rows, rows[::-1]))
    assert once.terms.equals(again.terms)
    assert once.said_by.equals(again.said_by)


def test_a_loop_over_series_and_rows_says_the_same():
    """The oracle, on rows of every shape."""
    rows = supply(
        all={"lead_days": "9"},
        store_id__N={"lead_days": "8"},
        item_id__milk={"pack_size": 6.0},
        supplier__dairy___store_id__N={"lead_days": "7", "pack_size": 2.0},
        unique_id__S_milk={"lead_days": "6"},
    )
    needed = [json.loads(scope) for scope in rows["scope"]]
    for series in SERIES_ROWS.to_dicts():
        fitting = [
            (("unique_id" in scope, len(scope)), row)
            for scope, row in zip(needed, rows.to_dicts(), strict=True)
            if all(series.get(name) == value for name, value in scope.items())
        ]
        fitting.sort(key=lambda one: one[0], reverse=True)
        for term in ("lead_days", "pack_size"):
            first = next((row[term] for _, row in fitting if row[term] is not None), None)
            assert said(rows, term)[series["unique_id"]] == first, (series, term)


@pytest.mark.parametrize("value", ['"quoted"', "a,b", "ü:{}", "back\\slash"])
def test_a_scope_holds_any_value(value: str):
    schema = {"store_id": pl.String, "item_id": pl.String}
    frame = pl.DataFrame({"store_id": [value], "item_id": [None]}, schema=schema)
    scoped = frame.select(scope_of(["store_id", "item_id"]))
    assert scoped.select(pl.col("scope").str.json_path_match("$.store_id")).item() == value
    assert scoped.select(names_only(["item_id", "store_id"])).item()
    assert not scoped.select(names_only(["item_id"])).item()
