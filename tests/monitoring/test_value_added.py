"""What people's overrides are worth, by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from monitoring.value_added import by_override, size_of, value_tables

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
# override, series, day, sold, naive, model, final
ROWS = pl.DataFrame(
    [
        (1, "a", DAY, 10.0, 4.0, 6.0, 9.0),
        (1, "b", DAY, 2.0, 2.0, 4.0, 4.0),
        (1, "a", NEXT, 5.0, 5.0, 6.0, 9.0),
        (2, "a", DAY, 10.0, 4.0, 6.0, 0.0),
    ],
    schema=["override_id", "unique_id", "ds", "y", "naive", "model", "final"],
    orient="row",
)


def test_errors_are_those_of_the_groups_daily_sums():
    """Of 1: 12 sold, naive 6, model 10, person 13 on the first day; 5, 5, 6, 9 on the next."""
    first = by_override(ROWS).row(0, named=True)
    assert (first["days"], first["y"]) == (2, 17.0)
    assert (first["naive"], first["model"], first["final"]) == (6.0, 3.0, 5.0)
    assert (first["model_saved"], first["person_saved"]) == (3.0, -2.0)


def test_the_tables_name_who_helps_and_who_harms():
    named = pl.DataFrame(
        {
            "override_id": [1, 2],
            "person": ["ada", "bob"],
            "reason": ["fair", "fair"],
            "size": ["10 to 30%", "over 100%"],
        }
    )
    tables = value_tables(by_override(ROWS).join(named, on="override_id"))
    assert [(row["of"], row["person_saved"], row["helped"]) for row in tables["by_person"]] == [
        ("ada", -2.0, 0),
        ("bob", -6.0, 0),
    ]
    whole = tables["total"][0]
    assert (whole["of"], whole["overrides"], whole["y"]) == ("all", 2, 27.0)
    assert whole["model_wape"] == pytest.approx(7 / 27)
    assert whole["person_saved_share"] == pytest.approx(-8 / 27)
    assert [row["of"] for row in tables["by_reason"]] == ["fair"]


def test_nothing_scored_is_no_table():
    assert value_tables(by_override(ROWS.clear())) == {}


@pytest.mark.parametrize(
    ("model", "final", "size"),
    [
        (10.0, 11.0, "up to 10%"),
        (10.0, 9.0, "up to 10%"),
        (10.0, 11.1, "10 to 30%"),
        (10.0, 7.0, "10 to 30%"),
        (10.0, 20.0, "30 to 100%"),
        (10.0, 0.0, "30 to 100%"),
        (10.0, 21.0, "over 100%"),
        (0.0, 5.0, "over 100%"),
    ],
)
def test_the_size_of_an_override_is_how_much_it_changes_the_models_units(model, final, size):
    frame = pl.DataFrame({"model": [model], "final": [final]})
    assert frame.select(size_of(pl.col("model"), pl.col("final"))).item() == size
