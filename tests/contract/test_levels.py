"""Levels of the hierarchy: their names and the groups they make."""

import polars as pl
import pytest

from contract.errors import BadUsage
from contract.levels import (
    is_ambiguous,
    joined,
    level_by,
    level_called,
    levels_of,
    series_where,
)

SERIES = pl.DataFrame(
    {
        "unique_id": ["x", "y"],
        "store_id": ["CA_1", "CA_2"],
        "dept_id": ["FOODS_3", "FOODS_3"],
        "item_id": ["i", "i"],
    }
)


def _groups(columns: tuple[str, ...]) -> list[str]:
    level = levels_of((columns,))[0]
    return SERIES.with_columns(level.group_key)["group_key"].to_list()


def test_the_top_has_no_columns_and_one_group():
    assert levels_of(((),))[0].name == "total"
    assert _groups(()) == ["total", "total"]


def test_a_group_is_named_by_its_values():
    assert _groups(("store_id", "dept_id")) == ["CA_1|FOODS_3", "CA_2|FOODS_3"]


def test_a_level_is_named_by_its_columns():
    assert [level.name for level in levels_of((("store_id", "dept_id"), ("dept_id",)))] == [
        "store_id*dept_id",
        "dept_id",
        "series",
    ]


def test_the_bottom_is_always_there_and_groups_nothing():
    bottom = levels_of(())[-1]
    assert SERIES.with_columns(bottom.group_key)["group_key"].to_list() == ["x", "y"]


def test_the_shipped_params_name_the_twelve_levels_of_m5(params):
    assert len(params.source.hierarchy) == 12


def test_groups_whose_values_hold_the_mark_keep_keys_of_their_own() -> None:
    values = ["x", "|", "\\", "x|", "|x", "\\|", "x\\", ""]
    pairs = [(one, other) for one in values for other in values]
    frame = pl.DataFrame(pairs, schema=["a", "b"], orient="row")
    assert frame.select(joined(["a", "b"])).to_series().n_unique() == len(pairs)
    assert pl.DataFrame({"a": ["CA_1"], "b": ["FOODS"]}).select(joined(["a", "b"])).item() == (
        "CA_1|FOODS"
    )


def test_a_level_is_called_by_its_columns_and_found_again_by_its_name():
    for level in levels_of(((), ("store_id",), ("store_id", "dept_id"))):
        assert level_called(level.name) == level


def test_the_series_of_a_group_have_all_its_values():
    both = {"store_id": "CA_1", "dept_id": "FOODS_3"}
    assert series_where(SERIES, both)["unique_id"].to_list() == ["x"]
    assert series_where(SERIES, {}).equals(SERIES)
    with pytest.raises(BadUsage, match=r"no series has item_id = 'k'; 1 values are known"):
        series_where(SERIES, {"item_id": "k"})
    with pytest.raises(BadUsage, match=r"no column of the series is called \['shop'\]"):
        series_where(SERIES, {"shop": "CA_1"})


@pytest.mark.parametrize("columns", [("series",), ("total",), ("a*b",), ("store_id", "a*b")])
def test_a_column_that_makes_the_name_of_another_level_is_ambiguous(columns):
    assert is_ambiguous(level_by(columns))
    assert not any(is_ambiguous(level) for level in levels_of(((), ("store_id", "series"))))
