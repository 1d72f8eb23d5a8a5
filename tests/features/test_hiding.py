"""Training rows of a hidden origin are what serving makes of its panel, plans cut as early."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.panel import Panel
from features.dense_panel import DensePanel
from features.frame import Rows, feature_frame, feature_matrix, feature_names
from features.hiding import Hiding, hide_plans, short_families
from features.reach import plan_reach, with_plans_until
from features.sampling import training_rows

LONGEST = 14
HS = range(1, LONGEST + 1)
FAMILIES = ("future_school", "price", "promo")
SIXTH = Hiding(FAMILIES, share=1 / 6, longest=LONGEST, seed=3)


@pytest.fixture(scope="module")
def panel(make_panel) -> Panel:
    """Ten nasty series of two stores; prices, promotions, `school` known throughout."""
    return make_panel(series=10, days=200, seed=5)


@pytest.fixture(scope="module")
def dense(panel, dense_of) -> DensePanel:
    """The panel as training reads it."""
    return dense_of(panel)


def _matrix(dense: DensePanel, rows: Rows, hiding: Hiding) -> np.ndarray:
    matrix = feature_matrix(dense, rows)
    hide_plans(matrix, dense, rows, np.unique(rows.origin_ix), hiding)
    return matrix


def _learned(dense: DensePanel, hiding: Hiding) -> pl.DataFrame:
    """Features to learn from, with their series, origin and h."""
    rows = training_rows(dense, HS, 5, 40, 10**6, seed=1)
    features = pl.DataFrame(_matrix(dense, rows, hiding), schema=feature_names(dense))
    keys = pl.DataFrame({"series_ix": rows.series_ix, "origin_ix": rows.origin_ix})
    return keys.hstack(features.fill_nan(None))


def _served(panel: Panel, dense_of, frame_at, origin: int, reach: dict[str, int]) -> pl.DataFrame:
    """Features from the panel as it was at the origin, plans cut; series by their place."""
    day = panel.first_day + timedelta(days=origin)
    named = {name.removeprefix("future_"): days for name, days in reach.items()}
    known = dense_of(with_plans_until(panel.up_to(day), day, named), horizon=LONGEST)
    places = panel.series.select("unique_id").with_row_index("series_ix")
    frame = frame_at(known, known.last_known, [*HS])
    return frame.join(places, on="unique_id").drop("unique_id")


@pytest.mark.parametrize("families", [FAMILIES, ("price",), ("future_school",)])
def test_rows_of_a_hidden_origin_are_the_rows_serving_would_make(
    panel, dense, dense_of, frame_at, families
):
    """Every feature of every row, price and promotion and covariates cut together and apart; and
    some of them, the others known throughout.
    """
    hiding = replace(SIXTH, families=families)
    rows = training_rows(dense, HS, 5, 40, 10**6, seed=1)
    learned = _learned(dense, hiding)
    origins = np.unique(learned["origin_ix"].to_numpy())
    hidden = hiding.reaches(origins)
    apart = {len(set(reach.values())) > 1 for reach in hidden.values()}
    assert apart == ({True, False} if len(families) > 1 else {False})
    for origin, reach in hidden.items():
        at = hiding.rows_at(origin, dense, rows)
        ours = learned[at].drop("origin_ix")
        theirs = ours.select("series_ix", "h").join(
            _served(panel, dense_of, frame_at, origin, reach).cast({"series_ix": pl.Int32}),
            on=["series_ix", "h"],
            how="left",
            maintain_order="left",
        )
        assert_frame_equal(ours, theirs.select(ours.columns), rel_tol=1e-4, abs_tol=1e-5)


def test_the_other_rows_keep_their_plans(dense):
    rows = training_rows(dense, HS, 5, 40, 10**6, seed=1)
    hidden = SIXTH.reaches(np.unique(rows.origin_ix))
    others = np.ones(len(rows), dtype=bool)
    others[np.concatenate([SIXTH.rows_at(origin, dense, rows) for origin in hidden])] = False
    learned, plain = _matrix(dense, rows, SIXTH), feature_matrix(dense, rows)
    assert np.array_equal(learned[others], plain[others], equal_nan=True)
    assert not np.array_equal(learned[~others], plain[~others], equal_nan=True)


def test_where_no_plan_ends_nothing_is_hidden(dense):
    rows = training_rows(dense, HS, 5, 40, 10**6, seed=1)
    none = Hiding((), share=1.0, longest=LONGEST, seed=3)
    assert np.array_equal(_matrix(dense, rows, none), feature_matrix(dense, rows), equal_nan=True)


def test_only_what_plans_say_is_hidden(dense):
    rows = training_rows(dense, HS, 5, 40, 10**6, seed=1)
    learned, plain = _matrix(dense, rows, SIXTH), feature_matrix(dense, rows)
    same = [np.array_equal(a, b, equal_nan=True) for a, b in zip(learned.T, plain.T, strict=True)]
    moved = {name for name, is_same in zip(feature_names(dense), same, strict=True) if not is_same}
    assert {name.split("_")[0] for name in moved} == {"price", "promo", "covariates"}
    assert "covariates_customers" not in moved


def test_an_unknown_price_is_none_and_an_unknown_promotion_is_some(dense):
    """The price goes on as it was; of promotions the trees learn what not knowing means."""
    learned = _learned(dense, SIXTH)
    plain = feature_frame(dense, training_rows(dense, HS, 5, 40, 10**6, seed=1))
    assert learned["price_level"].null_count() <= plain["price_level"].null_count()
    assert 0.05 < learned["promo_today"].null_count() / learned.height < 1 / 6


def test_which_origins_are_hidden_hangs_on_nothing_but_origin_and_seed():
    origins = np.arange(0, 400, 5)
    drawn, some = SIXTH.reaches(origins), SIXTH.reaches(origins[10:20])
    assert some == {origin: reach for origin, reach in drawn.items() if origin in origins[10:20]}
    assert 20 < len(drawn) < 60
    every = [days for reach in drawn.values() for days in reach.values()]
    assert min(every) == 0
    assert max(every) <= LONGEST


def test_only_plans_that_features_read_and_that_end_inside_the_horizon_are_hidden(panel, dense_of):
    def short(**reach: int) -> tuple[str, ...]:
        ended = with_plans_until(panel, panel.last_day, reach)
        return short_families(dense_of(ended), plan_reach(ended, 28), 28)

    assert short() == ()
    assert short(price=10, school=27) == ("future_school", "price")
    assert short(promo=0) == ("promo",)
