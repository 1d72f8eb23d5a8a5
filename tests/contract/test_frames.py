"""Frames: what conform makes right, what it refuses, and what a key may not do."""

from datetime import date, datetime

import polars as pl
import pytest

from contract.errors import ContractBroken
from contract.frames import CALENDAR, FACTS, FORECASTS, PRICES, SALES, SERIES
from contract.quantiles import INTERVALS, QUANTILES


def _sales(**changes) -> pl.DataFrame:
    columns = {
        "known_at": [datetime(2024, 1, 2)] * 2,
        "y": [3, 4],
        "ds": [date(2024, 1, 1), date(2024, 1, 2)],
        "unique_id": ["a", "a"],
    }
    return pl.DataFrame(columns | changes)


def test_conform_orders_columns_casts_types_and_adds_absent_optional_ones_as_null():
    frame = SALES.conform(_sales())
    assert dict(frame.schema) == {
        "unique_id": pl.String,
        "ds": pl.Date,
        "y": pl.Float64,
        "known_at": pl.Datetime("us"),
        "is_open": pl.Boolean,
        "stockout_share": pl.Float64,
    }
    assert frame["y"].to_list() == [3.0, 4.0]
    assert frame["is_open"].null_count() == 2


def test_conform_drops_columns_the_contract_does_not_name():
    assert "weather" not in SALES.conform(_sales(weather=[1, 2])).columns


def test_an_open_ended_frame_keeps_further_columns():
    series = SERIES.conform(pl.DataFrame({"store_id": ["S1"], "unique_id": ["a"]}))
    assert series.columns == ["unique_id", "store_id"]


def test_a_missing_column_is_named_with_what_is_there_and_the_way_out():
    with pytest.raises(ContractBroken) as refusal:
        SALES.conform(_sales().drop("y", "ds"))
    message = str(refusal.value)
    assert "frame 'sales' lacks ['ds', 'y']" in message
    assert "it has ['known_at', 'unique_id']" in message
    assert "source.files.columns" in message


def test_a_value_of_a_wrong_type_is_refused_and_shown():
    with pytest.raises(ContractBroken, match=r"frame 'sales' holds a value of a wrong type.*many"):
        SALES.conform(_sales(y=["3", "many"]))


def test_numbers_written_as_text_are_numbers():
    assert SALES.conform(_sales(y=["3", "4.5"]))["y"].to_list() == [3.0, 4.5]


def test_a_frame_with_unique_keys_is_handed_back_untouched():
    frame = SALES.conform(_sales())
    assert SALES.check_key(frame) is frame


def test_a_repeated_key_is_shown_with_the_grain():
    frame = SALES.conform(_sales(ds=[date(2024, 1, 1)] * 2))
    with pytest.raises(
        ContractBroken,
        match=r"repeats the key .*'a'.*2024, 1, 1.*; its grain is one series and day",
    ):
        SALES.check_key(frame)


def test_a_null_in_the_key_is_refused():
    frame = SALES.conform(_sales(unique_id=["a", None]))
    with pytest.raises(ContractBroken, match="has a null in its key"):
        SALES.check_key(frame)


def test_an_empty_frame_conforms_to_itself():
    for contract in [*FACTS.values(), SERIES, FORECASTS]:
        empty = contract.empty()
        assert contract.check_key(contract.conform(empty)).schema == empty.schema


def test_every_key_column_is_a_required_column():
    for contract in [*FACTS.values(), SERIES, FORECASTS, CALENDAR, PRICES]:
        assert set(contract.key) <= set(contract.columns)


def test_a_forecast_carries_all_nine_quantiles_in_growing_order():
    columns = [name for name in FORECASTS.columns if name in QUANTILES]
    assert columns == list(QUANTILES)
    assert list(QUANTILES.values()) == sorted(QUANTILES.values())
    assert [name for name, tau in QUANTILES.items() if name != f"q{round(tau * 1000):03d}"] == []


def test_every_interval_leaves_the_same_share_outside_on_both_sides():
    for nominal, (low, high) in INTERVALS.items():
        assert QUANTILES[high] - QUANTILES[low] == pytest.approx(nominal)
        assert QUANTILES[low] == pytest.approx(1 - QUANTILES[high])
