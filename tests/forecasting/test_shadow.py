"""A challenger's shadow scored by hand, and what the gate makes of it."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.shadow import keep_shadow, read_shadow, shadow_against, shadow_of

FIRST = date(2024, 2, 1)


def scored(error: float, served_error: float, days: int = 10) -> pl.DataFrame:
    """Actuals and errors of two series of 5 units a day, the same error on every day."""
    rows = [
        (name, FIRST + timedelta(days=k), 5.0, error, served_error)
        for name in "ab"
        for k in range(days)
    ]
    return pl.DataFrame(
        rows, schema=["unique_id", "ds", "y", "error", "served_error"], orient="row"
    )


def test_by_hand_twice_the_error_is_plus_a_hundred_percent():
    shadow = shadow_of(scored(error=-2, served_error=1), "m1", "recipe")
    assert (shadow.wape, shadow.served_wape, shadow.relative, shadow.error) == (
        0.4,
        0.2,
        pytest.approx(1.0),
        0.0,
    )
    assert (shadow.days, shadow.series) == (10, 2)
    assert "m1 in shadow on 2 series over 10 days" in shadow.sentence


def test_under_a_week_or_without_sales_nothing_is_said():
    assert shadow_of(scored(1, 1, days=6), "m1", "recipe") is None
    assert shadow_of(scored(1, 1).with_columns(y=0.0), "m1", "recipe") is None
    assert shadow_of(scored(1, 1).clear(), "m1", "recipe") is None


def test_a_recipe_worse_on_live_days_is_held_back_another_recipe_is_not(gate_params):
    worse = shadow_of(scored(error=2, served_error=1), "m1", "recipe")
    (why,) = shadow_against(worse, "recipe", gate_params)
    assert "worse on live days" in why
    assert shadow_against(worse, "another", gate_params) == []
    assert shadow_against(shadow_of(scored(1, 1), "m1", "recipe"), "recipe", gate_params) == []
    assert shadow_against(None, "recipe", gate_params) == []


def test_where_days_in_shadow_are_needed_a_recipe_waits_for_them(gate_params):
    strict = gate_params.model_copy(update={"shadow_days": 14})
    better = shadow_of(scored(1, 2), "m1", "recipe")
    assert shadow_against(better, "recipe", strict) == [
        "its recipe was 10 days in shadow, 14 needed"
    ]
    assert shadow_against(None, "recipe", strict) == ["its recipe was 0 days in shadow, 14 needed"]
    assert shadow_against(better, "recipe", gate_params.model_copy(update={"shadow_days": 7})) == []


def test_it_is_kept_beside_the_champions_copy(tmp_path):
    shadow = shadow_of(scored(1, 2), "m1", "recipe")
    keep_shadow(tmp_path, shadow)
    assert read_shadow(tmp_path) == shadow
    keep_shadow(tmp_path / "nowhere", None)
    assert read_shadow(tmp_path / "nowhere") is None
