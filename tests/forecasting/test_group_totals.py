"""The groups' own forecaster: it knows what a day is, learns from all, and grows on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from contract.frames import TOTALS
from contract.panel import Panel, panel_of
from contract.params import GroupParams
from contract.scopes import scope_of
from features.dense_panel import vocabulary_of
from features.hierarchy import group_index, sum_by
from features.older_totals import GROUP_DAYS
from forecasting.group_totals import _node, expected_totals, sums_of_groups
from forecasting.last_year import SHARED

STEPS = 14
FIRST = date(2023, 1, 2)
GROUPS = GroupParams(
    columns=["store_id", "dept_id"], shape_strength=1, level_strength=1, ridge=1.0, pull=1.0
)


def _panel(units: np.ndarray, feasts: list[int] = [], days_ahead: int = 60) -> Panel:  # noqa: B006
    """Four series, one per store and department, which sell (4, days) units.

    There is a feast on each of these days.
    """
    series = pl.DataFrame(
        {
            "unique_id": ["a", "b", "c", "d"],
            "item_id": ["a", "b", "c", "d"],
            "dept_id": ["D0", "D1", "D0", "D1"],
            "store_id": ["S0", "S0", "S1", "S1"],
            "state_id": ["AA"] * 4,
        }
    )
    known_at = [
        datetime.combine(FIRST + timedelta(days=k + 1), datetime.min.time())
        for k in range(units.shape[1])
    ]
    sales = pl.DataFrame(
        {
            "unique_id": np.repeat(series["unique_id"].to_numpy(), units.shape[1]),
            "ds": [FIRST + timedelta(days=k) for k in range(units.shape[1])] * 4,
            "y": units.ravel(),
            "known_at": known_at * 4,
        }
    )
    calendar = pl.DataFrame(
        {"ds": [FIRST + timedelta(days=k) for k in range(units.shape[1] + days_ahead)]}
    ).with_columns(
        region=pl.lit("*"),
        event=pl.when(pl.col("ds").is_in([FIRST + timedelta(days=k) for k in feasts])).then(
            pl.lit("feast")
        ),
        is_closed=pl.lit(False),
        is_payday=pl.lit(False),
        known_at=pl.lit(datetime(2023, 1, 1)),
    )
    return panel_of(sales, series, calendar, panel_hash="groups")


def _expected(unfitted, panel: Panel, params: GroupParams = GROUPS) -> np.ndarray:
    dense = unfitted().feature_recipe.dense_panel(panel, STEPS, vocabulary_of(panel))
    sums = sums_of_groups(dense, params.columns or [], STEPS)
    return expected_totals(dense.groups, sums, params, STEPS)


def _noisy(mean: np.ndarray, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean).astype(float)


LEVEL = np.array([900.0, 500.0, 700.0, 300.0])[:, None]
WEEK = np.array([0.7, 0.8, 0.9, 1.0, 1.2, 1.6, 0.8])


def test_a_week_and_a_level_are_found_within_two_percent(unfitted):
    days = 210
    mean = LEVEL * WEEK[np.arange(days + STEPS) % 7]
    totals = _expected(unfitted, _panel(_noisy(mean[:, :days])))
    assert totals == pytest.approx(mean[:, days:], rel=0.06)
    assert totals.sum() == pytest.approx(mean[:, days:].sum(), rel=0.02)


def test_a_feast_seen_once_is_expected_to_come_again_in_every_group(unfitted):
    days, feasts = 220, [40, 226]
    mean = LEVEL * np.ones(days + STEPS)
    mean[:, feasts] *= 1.8
    totals = _expected(unfitted, _panel(_noisy(mean[:, :days]), feasts))
    assert totals[:, 6] / totals[:, 4] == pytest.approx(np.full(4, 1.8), rel=0.12)


def test_a_feast_on_which_one_group_sold_nothing_is_learned_from_the_others(unfitted):
    days, feasts = 220, [40, 226]
    mean = LEVEL * np.ones(days + STEPS)
    mean[:, feasts] *= 1.8
    units = _noisy(mean[:, :days])
    units[3, 40] = 0  # shut, or sold out: no usual day
    totals = _expected(unfitted, _panel(units, feasts))
    assert totals[3, 6] / totals[3, 4] > 1.3


def test_a_loud_small_group_follows_its_parents_more_than_its_own_noise(unfitted):
    days = 210
    mean = np.array([900.0, 500.0, 700.0, 4.0])[:, None] * WEEK[np.arange(days + STEPS) % 7]
    totals = _expected(unfitted, _panel(_noisy(mean[:, :days])))[3]
    week = totals[:7] / totals[:7].mean()
    assert np.abs(week - np.roll(WEEK, -(days % 7)) / WEEK.mean()).max() < 0.25
    assert totals.mean() == pytest.approx(4.0, rel=0.3)


def test_growth_against_last_year_carries_the_level_on(unfitted):
    days = 500
    mean = LEVEL * np.exp(0.3 * np.arange(days + STEPS) / 364)
    totals = _expected(unfitted, _panel(_noisy(mean[:, :days])))
    assert totals.sum() == pytest.approx(mean[:, days:].sum(), rel=0.02)


def test_days_after_the_origin_change_nothing(unfitted):
    mean = LEVEL * WEEK[np.arange(210) % 7]
    quiet, loud = _noisy(mean), _noisy(mean)
    loud[:, 180:] = 9999
    origin = FIRST + timedelta(days=179)
    assert np.array_equal(
        *[_expected(unfitted, _panel(units).up_to(origin)) for units in (quiet, loud)]
    )


def test_a_week_without_a_feed_is_no_week_without_sales(unfitted):
    mean = LEVEL * WEEK[np.arange(210) % 7]
    panel = _panel(_noisy(mean))
    lost = [FIRST + timedelta(days=k) for k in range(150, 157)]
    holed = panel_of(
        panel.sales.filter(~pl.col("ds").is_in(lost)),
        panel.series,
        panel.calendar,
        panel_hash="holed",
    )
    assert _expected(unfitted, holed) == pytest.approx(_expected(unfitted, panel), rel=0.03)


@pytest.mark.parametrize("columns", [[], ["store_id"], ["store_id", "dept_id"]])
def test_any_choice_of_columns_adds_up_to_the_same_total(unfitted, columns):
    days = 210
    mean = LEVEL * WEEK[np.arange(days + STEPS) % 7]
    params = GROUPS.model_copy(update={"columns": columns})
    totals = _expected(unfitted, _panel(_noisy(mean[:, :days])), params)
    assert len(totals) == {0: 1, 1: 2, 2: 4}[len(columns)]
    assert totals.sum(axis=0) == pytest.approx(mean[:, days:].sum(axis=0), rel=0.05)


def test_one_series_a_group_adds_up_to_itself(unfitted):
    dense = unfitted().feature_recipe.dense_panel(
        _panel(_noisy(LEVEL * np.ones(100))), STEPS, vocabulary_of(_panel(LEVEL * np.ones(100)))
    )
    sums = sums_of_groups(dense, GROUPS.columns, STEPS)
    totals = expected_totals(dense.groups, sums, GROUPS, STEPS)
    group_ix = group_index(dense.series, GROUPS.columns)
    assert sum_by(np.ones((4, 1)), group_ix, len(totals))[0].tolist() == [[1]] * 4


def _with_totals(panel: Panel, mean: np.ndarray, older: int) -> Panel:
    """The panel with totals of each store-department from `older` days before its first day on."""
    days = mean.shape[1]
    rows = pl.DataFrame(
        {
            "store_id": np.repeat(panel.series["store_id"].to_numpy(), days),
            "dept_id": np.repeat(panel.series["dept_id"].to_numpy(), days),
            "ds": [FIRST + timedelta(days=k - older) for k in range(days)] * 4,
            "y": _noisy(mean, seed=6).ravel(),
        }
    )
    scoped = rows.with_columns(
        scope_of(["store_id", "dept_id"]), known_at=pl.lit(datetime(2023, 1, 1))
    )
    return replace(panel, totals=TOTALS.conform(scoped).sort(TOTALS.key))


def test_totals_of_the_years_before_bring_the_season_of_a_shop_that_has_no_year(unfitted):
    days, older = 120, 800
    wave = np.exp(0.5 * np.sin(2 * np.pi * np.arange(older + days + STEPS) / 365.25))
    mean = LEVEL * wave
    coming = mean[:, older + days :].sum()
    panel = _panel(_noisy(mean[:, older : older + days]))
    alone = _expected(unfitted, panel).sum() / coming - 1
    longer = _expected(unfitted, _with_totals(panel, mean[:, : older + days], older)).sum()
    assert abs(longer / coming - 1) < 0.05
    assert abs(longer / coming - 1) < abs(alone) / 2


def test_an_event_of_the_years_before_is_expected_where_the_items_never_saw_it(unfitted):
    days, older = 120, 400
    mean = LEVEL * np.ones(older + days + STEPS)
    feasts = [older + days + 6 - 364, older + days + 6]
    mean[:, feasts] *= 2
    panel = _panel(_noisy(mean[:, older : older + days]), [day - older for day in feasts])
    calendar = pl.concat([_dated(feasts[0] - older), panel.calendar], how="diagonal_relaxed")
    panel = replace(panel, calendar=calendar.sort("region", "ds"))
    totals = _expected(unfitted, _with_totals(panel, mean[:, : older + days], older))
    assert totals[:, 6] / totals[:, 4] == pytest.approx(np.full(4, 2.0), rel=0.15)
    alone = _expected(unfitted, panel)
    assert alone[:, 6] / alone[:, 4] == pytest.approx(np.ones(4), rel=0.15)


def _dated(day: int) -> pl.DataFrame:
    row = {"region": "*", "ds": FIRST + timedelta(days=day), "event": "feast"}
    return pl.DataFrame([{**row, "known_at": datetime(2023, 1, 1)}])


def test_half_of_what_followed_the_same_weeks_a_year_ago_is_expected_again(unfitted):
    days = 480
    mean = LEVEL * np.ones(days + STEPS)
    sale = slice(days - 364, days - 364 + STEPS)
    quiet = _expected(unfitted, _panel(mean[:, :days]))
    mean[:, sale] *= 1.15  # no event of the calendar says so
    expected = _expected(unfitted, _panel(mean[:, :days]))
    assert expected.sum() / quiet.sum() == pytest.approx(1.15 ** (SHARED / 2), rel=0.01)


@pytest.mark.parametrize("first", [-28, 0], ids=["the month before", "the weeks after"])
@pytest.mark.parametrize("factor", [0.3, 4.0])
def test_a_year_ago_that_was_no_usual_one_is_not_expected_again(unfitted, first, factor):
    days = 480
    mean = LEVEL * np.ones(days + STEPS)
    quiet = _expected(unfitted, _panel(mean[:, :days]))
    mean[:, days - 364 + first : days - 364 + first + 28] *= factor  # shut, or an order of its own
    expected = _expected(unfitted, _panel(mean[:, :days]))
    assert expected.sum() / quiet.sum() == pytest.approx(1, abs=0.1)


def test_totals_that_cannot_be_used_move_no_forecast(unfitted):
    days, older = 120, 800
    panel = _panel(_noisy(LEVEL * np.ones(days)))
    whole = _with_totals(panel, LEVEL * np.ones(older + days), older)
    plain = _expected(unfitted, panel)
    for kept in (
        pl.col("ds") < FIRST,  # they end before the items begin
        pl.col("ds") >= FIRST,
        pl.col("ds") == FIRST - timedelta(days=700),  # a single row each
    ):
        rows = replace(whole, totals=whole.totals.filter(kept))
        assert np.array_equal(_expected(unfitted, rows), plain)
    strange = pl.col("scope").str.replace("S", "Store S")
    renamed = replace(whole, totals=whole.totals.with_columns(strange))
    assert np.array_equal(_expected(unfitted, renamed), plain)


def test_items_of_a_store_that_came_later_do_not_shrink_its_totals(unfitted):
    days, older, late = 200, 400, 30
    units = LEVEL * np.ones(older + days)
    panel = _panel(units[:, older:])
    whole = _with_totals(panel, units, older)
    begun = pl.col("ds") >= FIRST + timedelta(days=late)
    panel = replace(whole, sales=panel.sales.filter(begun | (pl.col("unique_id") < "c")))
    dense = unfitted().feature_recipe.dense_panel(panel, STEPS, vocabulary_of(panel))
    *_, groups = sums_of_groups(dense, GROUPS.columns, STEPS).values()
    node = _node(dense.groups, groups, GROUPS.columns)
    past = np.nanmean(np.expm1(node.log_units[:, :older]), axis=1)
    assert past == pytest.approx(LEVEL[:, 0], rel=0.02)


def test_a_forecast_from_the_tail_reads_all_the_totals_it_can_use(unfitted):
    days, older = 120, 2000  # further back than a group's past goes
    wave = np.exp(0.5 * np.sin(2 * np.pi * np.arange(older + days) / 365.25))
    panel = _panel(_noisy(LEVEL * wave[older:]))
    whole = _with_totals(panel, LEVEL * wave, older)
    tail = whole.since(whole.last_day - timedelta(days=GROUP_DAYS), 0.25)
    assert tail.totals.height < whole.totals.height
    assert np.array_equal(_expected(unfitted, tail), _expected(unfitted, whole))
