"""What must not matter: the size of a chunk, the order of rows, who else is in the panel."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from contract.demand import DemandRules
from contract.panel import panel_of
from features.dense_panel import FeatureRecipe, build_dense_panel, vocabulary_of
from features.feature import refuse_leaks
from features.frame import category_names, feature_frame, feature_names
from features.profile import profile_of, sample_of
from features.sampling import serving_rows, training_rows

BY_STATE = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region="state_id")

OWN = (
    "lags_",
    "windows_",
    "weekday_",
    "year_",
    "calendar_",
    "promo_",
    "lifecycle_",
    "covariates_",
    "price_level",
)
HS = [1, 8, 28]


@pytest.fixture(scope="module")
def panel(make_panel):
    """Nine series, so that chunks of 1 to 9 all cut differently."""
    return make_panel(series=9, days=150, seed=21)


@given(chunk=st.integers(1, 9), origin_ix=st.integers(0, 149))
def test_the_size_of_a_chunk_changes_no_value(panel, dense_of, frame_at, chunk, origin_ix):
    whole, cut = (
        frame_at(dense_of(panel), origin_ix, HS),
        frame_at(dense_of(panel, chunk_series=chunk), origin_ix, HS),
    )
    assert_frame_equal(whole, cut, check_exact=False, rel_tol=1e-6, abs_tol=1e-6)


@given(chunk=st.integers(1, 9), budget=st.integers(50, 20_000))
def test_which_rows_are_sampled_does_not_hang_on_the_chunks(panel, dense_of, chunk, budget):
    whole = training_rows(dense_of(panel), range(1, 8), 5, 28, budget, seed=4)
    cut = training_rows(dense_of(panel, chunk_series=chunk), range(1, 8), 5, 28, budget, seed=4)
    for name in ("series_ix", "origin_ix", "h"):
        assert np.array_equal(getattr(whole, name), getattr(cut, name))


@given(seed=st.integers(0, 1000))
def test_the_order_in_which_rows_arrive_changes_nothing(panel, dense_of, frame_at, seed):
    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1.0, shuffle=True, seed=seed)

    frames = (panel.sales, panel.series, panel.calendar, panel.prices, panel.covariates)
    mixed = panel_of(*(shuffled(frame) for frame in frames))
    assert_frame_equal(
        frame_at(dense_of(panel), 120, HS), frame_at(dense_of(mixed), 120, HS), check_exact=True
    )


def _renamed(panel, names: dict[str, str]):
    def rename(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("unique_id").replace_strict(names))

    return panel_of(
        rename(panel.sales),
        rename(panel.series),
        panel.calendar,
        rename(panel.prices),
        rename(panel.covariates),
    )


def test_the_place_of_a_series_among_the_others_changes_no_feature(panel, dense_of, frame_at):
    ids = panel.series["unique_id"].to_list()
    names = {name: f"z{len(ids) - k:02d}" for k, name in enumerate(ids)}
    turned = frame_at(dense_of(_renamed(panel, names)), 120, HS)
    plain = (
        frame_at(dense_of(panel), 120, HS)
        .with_columns(pl.col("unique_id").replace_strict(names))
        .sort("unique_id", "h")
    )
    assert_frame_equal(
        plain, turned.sort("unique_id", "h"), check_exact=False, rel_tol=1e-6, abs_tol=1e-6
    )


@given(kept=st.sets(st.integers(0, 8), min_size=1))
def test_who_else_is_in_the_panel_changes_no_feature_of_a_series_itself(
    panel, dense_of, frame_at, kept
):
    """With rows for all days: an absent row is a zero only by what others of its store reported."""
    some = panel.only(panel.series["unique_id"].gather(sorted(kept)))
    origin = panel.first_day + timedelta(days=120)
    hs = [1, 8, 28]
    every, fewer = dense_of(panel, zeros=False), dense_of(some, zeros=False)
    names = [name for name in feature_names(every) if name.startswith(OWN)]
    ours = frame_at(every, every.at(origin), hs).filter(
        pl.col("unique_id").is_in(some.series["unique_id"].implode())
    )
    theirs = frame_at(fewer, fewer.at(origin), hs)
    assert_frame_equal(
        ours.select("unique_id", "h", *names),
        theirs.select("unique_id", "h", *names),
        check_exact=False,
        rel_tol=1e-6,
        abs_tol=1e-6,
    )


def test_the_training_frame_and_the_future_frame_have_the_same_columns_and_only_float32(
    panel, dense_of
):
    dense = dense_of(panel)
    training = feature_frame(dense, training_rows(dense, range(1, 8), 5, 28, 500, seed=1))
    future = feature_frame(dense, serving_rows(dense, range(1, 29)))
    assert training.schema == future.schema
    assert training.columns == feature_names(dense)
    assert set(training.dtypes) == {pl.Float32}
    assert set(category_names(dense)) <= set(feature_names(dense))
    assert refuse_leaks(dense.features, 28) == dense.features


def test_no_feature_is_infinite_or_nan(panel, dense_of):
    dense = dense_of(panel)
    frame = feature_frame(dense, serving_rows(dense, range(1, 29)))
    assert (
        frame.select(pl.all().is_nan().any() | pl.all().is_infinite().any()).row(0).count(True) == 0
    )


def test_asking_for_no_rows_gives_an_empty_frame_of_all_columns(panel, dense_of):
    dense = dense_of(panel)
    nothing = serving_rows(dense, range(1, 8)).where(np.zeros(9 * 7, dtype=bool))
    assert (
        feature_frame(dense, nothing).schema
        == feature_frame(dense, serving_rows(dense, range(1, 2))).schema
    )


def test_a_value_unknown_at_training_has_no_code_when_serving(panel, feature_params):
    vocabulary = vocabulary_of(panel)
    newcomer = _renamed(panel, {name: name for name in panel.series["unique_id"]})
    series = newcomer.series.with_columns(dept_id=pl.lit("D9"))
    calendar = panel.calendar.with_columns(
        event=pl.when(pl.col("event").is_not_null()).then(pl.lit("an unknown feast"))
    )
    other = panel_of(panel.sales, series, calendar, panel.prices, panel.covariates)
    dense = build_dense_panel(other, feature_params, 28, vocabulary, BY_STATE)
    frame = feature_frame(dense, serving_rows(dense, range(1, 29)))
    assert frame["static_dept_id"].null_count() == frame.height
    assert frame["calendar_event"].unique().to_list() == [0]
    assert frame["static_store_id"].null_count() == 0


def test_series_without_a_value_in_a_hierarchy_column_are_a_group_of_their_own(
    panel, feature_params
):
    series = panel.series.with_columns(
        dept_id=pl.when(pl.col("item_id") == "I00").then(None).otherwise("dept_id"),
        store_id=pl.when(pl.col("item_id") == "I01").then(None).otherwise("store_id"),
    )
    holed = panel_of(panel.sales, series, panel.calendar, panel.prices, panel.covariates)
    dense = build_dense_panel(holed, feature_params, 28, vocabulary_of(holed), BY_STATE)
    frame = feature_frame(dense, serving_rows(dense, range(1, 3)))
    assert frame.height == 9 * 2
    for groups in dense.entity_ix.values():
        assert groups.min() >= 0
        assert groups.max() < panel.series.height


def test_the_profile_describes_every_feature_of_the_frame(panel, feature_params, train_params):
    recipe = FeatureRecipe(feature_params, BY_STATE)
    profile = profile_of([sample_of(recipe, panel, train_params, rows=500)])
    dense = recipe.dense_panel(panel, train_params.horizon, vocabulary_of(panel))
    assert list(profile["features"]) == feature_names(dense)
    assert profile["features"]["h"] == {
        "min": 1.0,
        "max": 14.0,
        "mean": pytest.approx(7.5, abs=1),
        "null_share": 0.0,
    } | {"is_category": False}
    assert profile["features"]["calendar_event"]["is_category"]
    assert profile == profile_of([sample_of(recipe, panel, train_params, rows=500)])
