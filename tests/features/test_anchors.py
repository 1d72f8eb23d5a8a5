"""Which day an anchor reads, and which features are refused when they are declared."""

import numpy as np
import polars as pl
import pytest

from contract.days import YEAR
from contract.errors import LeakingFeature
from features.declared import declared_features, look_back_days
from features.feature import Feature, days_read, refuse_leaks

ORIGIN = 500


def _read(anchor: str, h: int, ahead: int = 0) -> int:
    return int(days_read(anchor, ahead, np.array([ORIGIN]), np.array([h]))[0])


@pytest.mark.parametrize("h", [1, 7, 8, 28])
def test_origin_reads_the_last_known_day_for_every_h(h):
    assert _read("origin", h) == 500


@pytest.mark.parametrize(
    ("h", "day"), [(1, 494), (7, 500), (8, 494), (28, 500), (13, 499), (22, 494)]
)
def test_weekday_reads_the_newest_known_day_with_the_weekday_of_the_target(h, day):
    assert _read("weekday", h) == day
    assert (ORIGIN + h - day) % 7 == 0
    assert ORIGIN - 7 < day <= ORIGIN


@pytest.mark.parametrize(("h", "day"), [(1, 137), (7, 143), (8, 144), (28, 164)])
def test_year_reads_the_target_day_52_weeks_before(h, day):
    assert _read("year", h) == day
    assert _read("year", h, ahead=14) == day + 14


@pytest.mark.parametrize("h", [1, 7, 8, 28])
def test_origin_year_reads_the_origin_52_weeks_before_for_every_h(h):
    assert _read("origin_year", h) == 136


@pytest.mark.parametrize(("h", "day"), [(1, 501), (7, 507), (8, 508), (28, 528)])
def test_target_reads_the_day_itself(h, day):
    assert _read("target", h) == day


@pytest.mark.parametrize("anchor", ["origin", "weekday", "year", "origin_year"])
def test_no_anchor_but_target_reads_past_the_origin(anchor):
    h = np.arange(1, 365)
    assert (days_read(anchor, 0, np.full_like(h, ORIGIN), h) <= ORIGIN).all()


def _feature(column: str, anchor: str, ahead: int = 0, over: Feature | None = None) -> Feature:
    return Feature("lags_x", "lags", "series", anchor, pl.col(column), ahead, over=over)


@pytest.mark.parametrize("column", ["y", "last_sale_ix", "past_customers", "total", "member_mean"])
def test_a_past_only_column_read_on_the_target_day_is_refused(column):
    with pytest.raises(LeakingFeature, match=rf"'lags_x' reads \['{column}'\] on the target day"):
        refuse_leaks([_feature(column, "target")], horizon=28)


@pytest.mark.parametrize(
    "column", ["price", "promo", "day_ix", "calendar_weekday", "future_school"]
)
def test_a_plan_may_be_read_on_the_target_day(column):
    feature = _feature(column, "target")
    assert refuse_leaks([feature], horizon=28) == [feature]


def test_a_leak_hidden_deep_in_an_expression_is_found():
    hidden = (
        pl.when(pl.col("promo") > 0)
        .then(pl.col("price") / pl.col("y").shift(7).rolling_mean(7))
        .otherwise(0)
    )
    with pytest.raises(LeakingFeature, match="'y'"):
        refuse_leaks([Feature("price_x", "price", "series", "target", hidden)], horizon=28)


def test_a_leak_hidden_below_a_ratio_is_found():
    with pytest.raises(LeakingFeature, match="'total'"):
        refuse_leaks([_feature("price", "target", over=_feature("total", "target"))], horizon=28)


def test_a_year_window_may_reach_the_origin_of_the_longest_horizon_and_no_further():
    horizon = 28
    reach = YEAR - horizon
    assert refuse_leaks([_feature("y", "year", ahead=reach)], horizon)
    with pytest.raises(LeakingFeature, match="336"):
        refuse_leaks([_feature("y", "year", ahead=reach + 1)], horizon)


@pytest.mark.parametrize("anchor", ["origin", "weekday", "target"])
def test_nothing_is_read_after_another_anchor(anchor):
    assert refuse_leaks([_feature("price", anchor, ahead=-3)], horizon=28)
    with pytest.raises(LeakingFeature, match="1 days after its anchor"):
        refuse_leaks([_feature("price", anchor, ahead=1)], horizon=28)


def test_the_declared_features_pass_their_own_gate(feature_params):
    names = [feature.name for feature in declared_features(feature_params, horizon=28)]
    assert len(set(names)) == len(names)


def test_every_feature_is_named_after_its_family_and_every_family_is_a_param(feature_params):
    for feature in declared_features(feature_params, horizon=28):
        assert feature.name.startswith(f"{feature.family}_") or feature.family in (
            "weekday",
            "year",
        )
        assert feature.family in {
            *type(feature_params).model_fields,
            "lags",
            "windows",
            "weekday",
            "year",
            "covariates",
        }


@pytest.mark.parametrize(
    ("family", "off"),
    [
        ("lags", {"lags": []}),
        ("windows", {"windows": []}),
        ("weekday", {"weekday_weeks": []}),
        ("year", {"year_windows": []}),
        ("calendar", {"calendar": False}),
        ("price", {"price": False}),
        ("promo", {"promo": False}),
        ("lifecycle", {"lifecycle": False}),
        ("hierarchy", {"hierarchy": []}),
        ("covariates", {"known_future": [], "past_only": []}),
    ],
)
def test_an_empty_list_or_false_switches_exactly_one_family_off(feature_params, family, off):
    every = {feature.family for feature in declared_features(feature_params, horizon=28)}
    fewer = {
        feature.family
        for feature in declared_features(feature_params.model_copy(update=off), horizon=28)
    }
    assert every - fewer == {family}


def test_the_look_back_is_as_long_as_the_longest_lag_or_window(feature_params):
    assert look_back_days(feature_params) == 112
    assert look_back_days(feature_params.model_copy(update={"lags": [200]})) == 200
    assert look_back_days(feature_params.model_copy(update={"weekday_weeks": [30]})) == 210
