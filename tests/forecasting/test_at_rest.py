"""Series at rest: how long they have rested, what others sold after as long, and what is taken of
it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.panel import Panel, panel_of
from features.dense_panel import DensePanel, vocabulary_of
from forecasting.at_rest import (
    CLASSES,
    SPAN_DAYS,
    USUAL,
    USUAL_PAIRS,
    returns_of,
    towards_return,
)
from forecasting.explain import explain

FIRST, DAYS, HORIZON = date(2023, 1, 2), 420, 14
YEAR = 364


@pytest.fixture
def shop(sales_of):
    """`shop({"a": [1, 0, ...]})`: these series of one store, beside one that sells every day."""

    def make(units: dict[str, list[float | None]]) -> Panel:
        sold = {"daily": [2.0] * DAYS, **units}
        frame = pl.DataFrame({"unique_id": sorted(sold)}).with_columns(
            item_id=pl.col("unique_id"),
            dept_id=pl.lit("D0"),
            store_id=pl.lit("S1"),
            state_id=pl.lit("AA"),
        )
        return panel_of(sales_of(sold, FIRST), frame)

    return make


@pytest.fixture
def dense_of(unfitted):
    def make(panel: Panel) -> DensePanel:
        return unfitted().feature_recipe.dense_panel(panel, HORIZON, vocabulary_of(panel))

    return make


def _sold_until(day: int, units: float = 1.0) -> list[float | None]:
    """So many units a day up to a day, nothing after it."""
    return [units] * (day + 1) + [0.0] * (DAYS - day - 1)


def _of(dense: DensePanel, unique_id: str) -> int:
    return dense.series["unique_id"].to_list().index(unique_id)


def _random(series: int, seed: int) -> dict[str, list[float | None]]:
    """Series that sell in spells, with days of which nothing is known."""
    rng = np.random.default_rng(seed)
    sold = (
        rng.poisson(0.3, (series, DAYS))
        * (rng.random((series, 1 + DAYS // 60)) < 0.4).repeat(60, axis=1)[:, :DAYS]
    )
    unknown = rng.random((series, DAYS)) < 0.05
    return {
        f"s{k:02d}": [None if gap else float(y) for y, gap in zip(sold[k], unknown[k], strict=True)]
        for k in range(series)
    }


def test_a_rest_counts_known_days_since_the_last_sale_and_its_rate_is_of_a_year_up_to_it(
    shop, dense_of
):
    late = [0.0] * 400 + [3.0] + [0.0] * 19
    dense = dense_of(shop({"rests": _sold_until(DAYS - 61, 0.5), "late": late}))
    rest = returns_of(dense).rest
    rests, late, daily = (_of(dense, name) for name in ("rests", "late", "daily"))
    assert (rest.days[rests], rest.rate[rests]) == (60, 0.5)
    assert rest.days[daily] == 0
    assert (rest.days[late], rest.rate[late]) == (19, 3.0)  # known from its first sale on
    assert rest.of_class[[rests, late, daily]].tolist() == [1, -1, -1]


def test_days_a_store_was_closed_make_no_rest(shop, dense_of):
    panel = shop({"rests": _sold_until(DAYS - 41)})
    closed = pl.col("ds") > panel.last_day - timedelta(days=30)
    shut = replace(panel, sales=panel.sales.with_columns(is_open=~closed))
    dense = dense_of(shut)
    assert returns_of(dense).rest.days[_of(dense, "rests")] == 10


def test_the_ratio_is_what_sold_after_a_rest_over_what_had_sold_before_it(shop, dense_of):
    """By hand, day by day and series by series."""
    dense = dense_of(shop(_random(12, seed=1)))
    y = dense.y[:, dense.days.padding : dense.days.padding + dense.days.known].astype(float)
    sold, base, pairs = (np.zeros(len(CLASSES)) for _ in range(3))
    for units in y:
        for day in range(DAYS - 1 - SPAN_DAYS, CLASSES[0], -7):
            past = units[: day + 1]
            if not (past > 0).any():
                continue
            last = int(np.flatnonzero(past > 0)[-1])
            rest = int((~np.isnan(past[last + 1 :])).sum())
            if rest < CLASSES[0]:
                continue
            of_class = max(k for k, days in enumerate(CLASSES) if rest >= days)
            span = units[day + 1 : day + 1 + SPAN_DAYS]
            rate = np.nanmean(past[max(last + 1 - YEAR, 0) : last + 1])
            sold[of_class] += np.nansum(span)
            base[of_class] += rate * (~np.isnan(span)).sum()
            pairs[of_class] += 1
    assert pairs.min() > 0
    added = USUAL_PAIRS * base.sum() / pairs.sum()
    expected = (sold + USUAL * added) / (base + added)
    assert returns_of(dense).ratios == pytest.approx(expected)


def test_where_nothing_ever_rested_the_usual_ratios_hold(shop, dense_of):
    assert returns_of(dense_of(shop({}))).ratios.tolist() == USUAL.tolist()


def test_a_mean_is_drawn_by_how_much_of_the_year_it_rested(shop, dense_of):
    """A quarter of a year: a quarter. A year and more: all. Less than four weeks: nothing."""
    long_ago = _sold_until(DAYS - 1 - YEAR)
    dense = dense_of(
        shop({"quarter": _sold_until(DAYS - 92), "gone": long_ago, "week": _sold_until(DAYS - 8)})
    )
    ratios, trees = returns_of(dense).ratios, np.full((4, HORIZON), 0.8)
    drawn = towards_return(dense, trees, YEAR)
    daily, gone, quarter, week = (
        drawn[_of(dense, name)] for name in ("daily", "gone", "quarter", "week")
    )
    assert quarter == pytest.approx(0.75 * 0.8 + 0.25 * ratios[1])
    assert gone == pytest.approx(ratios[3])
    assert (daily == 0.8).all()
    assert (week == 0.8).all()
    assert towards_return(dense, trees, None) is trees


def test_where_rests_never_end_a_long_one_is_forecast_near_zero(shop, dense_of):
    gone = {f"gone{k:02d}": _sold_until(20 + k, 4.0) for k in range(40)}
    dense = dense_of(shop(gone))
    drawn = towards_return(dense, np.ones((41, HORIZON)), YEAR)
    assert drawn[_of(dense, "gone00")].max() < 0.01


def test_a_last_sale_older_than_what_is_read_is_a_zero(shop, dense_of):
    panel = shop({"gone": _sold_until(30)})
    dense = dense_of(panel.since(panel.first_day + timedelta(days=40), 1.0))
    rest = returns_of(dense).rest
    at = _of(dense, "gone")
    assert (rest.days[at], rest.rate[at]) == (DAYS - 40, 0.0)
    assert towards_return(dense, np.ones((2, HORIZON)), YEAR)[at].max() == 0


def test_what_sells_after_the_last_known_day_moves_nothing(shop, unfitted):
    """With rests, groups and every feature: the same forecast, whatever came after."""
    panel = shop(_random(12, seed=2))
    origin = panel.last_day - timedelta(days=HORIZON)
    model = unfitted(rest_days=YEAR).fit(panel.up_to(origin))
    after = pl.when(pl.col("ds") > origin).then(pl.col("y") * 7 + 5).otherwise("y")
    other = replace(panel, sales=panel.sales.with_columns(y=after))
    forecasts = [model.forecast(one, origin, HORIZON) for one in (panel, other)]
    assert forecasts[0].equals(forecasts[1])


def test_only_means_of_series_at_rest_differ_from_the_trees(shop, unfitted):
    panel = shop(_random(12, seed=3))
    trees, drawn = (
        unfitted(rest_days=days).fit(panel).forecast(panel, panel.last_day, HORIZON)
        for days in (None, YEAR)
    )
    last_sale = panel.sales.filter(pl.col("y") > 0).group_by("unique_id").agg(pl.col("ds").max())
    sold_lately = last_sale.filter(pl.col("ds") > panel.last_day - timedelta(days=CLASSES[0]))
    lately = sold_lately["unique_id"].to_list()
    same = pl.col("unique_id").is_in(lately)
    assert 0 < len(lately) < 13
    assert trees.filter(same).equals(drawn.filter(same))
    assert not trees.filter(~same).equals(drawn.filter(~same))


def test_an_explanation_says_for_how_long_nothing_sold(shop, unfitted):
    panel = shop({"rests": _sold_until(DAYS - 101), **_random(4, seed=4)})
    model = unfitted(rest_days=YEAR).fit(panel)
    day = panel.last_day + timedelta(days=3)
    explanation = explain(model, panel, panel.last_day, HORIZON, "rests", day)
    rows = model.forecast(panel, panel.last_day, HORIZON).filter(unique_id="rests", ds=day)
    assert explanation.y_hat == pytest.approx(rows["y_hat"].item())
    assert any("no unit sold on its last 100 days: 27%" in words for words, _ in explanation.steps)
    of_daily = explain(model, panel, panel.last_day, HORIZON, "daily", day)
    assert not any("no unit sold" in words for words, _ in of_daily.steps)
