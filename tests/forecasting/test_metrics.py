"""Scores done by hand with their sign, against a naive loop, and against a peer."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from utilsforecast.losses import mase, rmsse

from contract.demand import DemandRules
from contract.levels import levels_of
from contract.panel import panel_of
from contract.quantiles import QUANTILES
from features.hierarchy import sum_by
from forecasting.metrics import pinball, point_scores, quantile_scores, volume_scores
from forecasting.series_window import history_before
from forecasting.window import window_after
from forecasting.yardsticks import ROWS_AT_ONCE, scales

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

MONDAY = date(2024, 1, 1)
CUTOFF = date(2024, 1, 5)
KNOWN = datetime(2023, 1, 1)


def _flat_prices(prices: dict[str, float]) -> pl.DataFrame:
    rows = [(one, MONDAY, date(2024, 12, 31), KNOWN, price) for one, price in prices.items()]
    return pl.DataFrame(
        rows, schema=["unique_id", "from_ds", "to_ds", "known_at", "price"], orient="row"
    )


@pytest.fixture
def tiny(sales_of):
    """Series a costs 2 and sells 0 2 4 4 1, then 3 5; b costs 1 and sells 1 1 3 3 3, then 2 0."""
    sales = sales_of({"a": [0, 2, 4, 4, 1, 3, 5], "b": [1, 1, 3, 3, 3, 2, 0]}, MONDAY)
    return panel_of(
        sales, pl.DataFrame({"unique_id": ["a", "b"]}), prices=_flat_prices({"a": 2.0, "b": 1.0})
    )


@pytest.fixture
def window(tiny):
    """The total and the series level after the fifth day."""
    return window_after(tiny, CUTOFF, 2, levels_of(((),)), EVERY_DAY)


Y_HAT = np.array([[4.0, 5.0], [2.0, 2.0]])  # errors a: +1 0, b: 0 +2


def test_scales_count_from_the_first_sale_and_weights_are_revenue(window):
    total, bottom = window.levels
    assert bottom.squared_scale.tolist() == pytest.approx([(4 + 0 + 9) / 3, (0 + 4 + 0 + 0) / 4])
    assert bottom.absolute_scale.tolist() == pytest.approx([(2 + 0 + 3) / 3, 2 / 4])
    assert bottom.weight.tolist() == pytest.approx([22 / 33, 11 / 33])
    assert total.squared_scale.tolist() == pytest.approx([(4 + 16 + 0 + 9) / 4])
    assert total.weight.tolist() == [1.0]
    assert bottom.y.tolist() == [[3, 5], [2, 0]]
    assert total.y.tolist() == [[5, 5]]


def test_a_series_of_which_no_row_had_come_by_the_cutoff_is_not_scored(sales_of):
    """No store of that day knew it: nothing would have been published, and its 0 judges nobody."""
    later = sales_of({"c": [9, 9]}, CUTOFF + timedelta(days=1))
    sales = pl.concat([sales_of({"a": [0, 2, 4, 4, 1, 3, 5]}, MONDAY), later])
    seen = window_after(
        panel_of(sales, pl.DataFrame({"unique_id": ["a", "c"]})),
        CUTOFF,
        2,
        levels_of(((),)),
        EVERY_DAY,
    )
    assert seen.is_known.tolist() == [[True, True], [False, False]]


def _squared_scale(sold: list[float | None]) -> float:
    """Mean squared change from a day that counts to the next, from the first sale on."""
    changes, before = [], None
    for units in sold:
        if units is None:
            continue
        if before is not None:
            changes.append((units - before) ** 2)
        if before is not None or units > 0:
            before = units
    return sum(changes) / len(changes)


def test_scales_skip_closed_and_unknown_days_and_start_at_the_launch(sales_of):
    """Day after day: Sundays are closed, the feed fails on days 9 and 10, c launches on day 16."""
    rng, days, cutoff = np.random.default_rng(3), 35, 27
    sold = {name: [float(1 + y) for y in rng.poisson(4, days)] for name in "abc"}
    sold["c"][:16] = [0.0] * 16
    rows = {name: list(units) for name, units in sold.items()}
    for name in "abc":
        rows[name][9] = rows[name][10] = None  # of nobody a row: the feed never came
    rows["a"][12], sold["a"][12] = None, 0.0  # its row alone is absent: nothing sold
    shut = {(name, k) for name in "abc" for k in range(6, days, 7)}
    shut |= {("b", 3), ("c", 18), ("a", 23), ("b", 23)}
    frame = sales_of(rows, MONDAY)
    is_shut = [(r["unique_id"], (r["ds"] - MONDAY).days) in shut for r in frame.to_dicts()]
    panel = panel_of(
        frame.with_columns(is_open=~pl.Series(is_shut)), pl.DataFrame({"unique_id": list("abc")})
    )
    known = {
        name: [None if (name, k) in shut or k in (9, 10) else units[k] for k in range(cutoff + 1)]
        for name, units in sold.items()
    }
    total: list[float | None] = []
    for k in range(cutoff + 1):
        on_sale = [known[name][k] for name in "abc" if name != "c" or k >= 16]
        there = [units for units in on_sale if units is not None]
        total.append(sum(there) if 2 * len(there) >= len(on_sale) else None)
    made = window_after(panel, MONDAY + timedelta(days=cutoff), 7, levels_of(((),)), EVERY_DAY)
    assert made.levels[0].squared_scale.tolist() == pytest.approx([_squared_scale(total)])
    assert made.levels[1].squared_scale.tolist() == pytest.approx(
        [_squared_scale(known[name]) for name in "abc"]
    )


def test_point_scores_of_the_series_level_by_hand(window):
    scores = point_scores(window.levels[1], Y_HAT)
    rmsse_a, rmsse_b = math.sqrt(0.5 / (13 / 3)), math.sqrt(2 / 1)
    assert scores["rmsse"] == pytest.approx((rmsse_a + rmsse_b) / 2)
    assert scores["wrmsse"] == pytest.approx(2 / 3 * rmsse_a + 1 / 3 * rmsse_b)
    assert scores["mase"] == pytest.approx((0.5 / (5 / 3) + 1 / 0.5) / 2)
    assert scores["wape"] == pytest.approx(3 / 10)


def test_the_total_is_scored_on_sums_so_errors_may_cancel(window):
    y_hat = np.array([[4.0, 5.0], [1.0, 0.0]])  # a +1, b -1: the total is right
    assert point_scores(window.levels[0], y_hat.sum(axis=0, keepdims=True))["wrmsse"] == 0


def test_a_positive_bias_means_we_forecast_too_much(window):
    assert point_scores(window.levels[1], Y_HAT)["bias"] == pytest.approx(+0.3)
    assert point_scores(window.levels[1], np.zeros((2, 2)))["bias"] == -1.0
    assert volume_scores(np.array([10.0]), np.array([8.0])) == {"wape": 0.2, "bias": -0.2}


def test_a_share_of_nothing_says_nothing():
    assert all(math.isnan(value) for value in volume_scores(np.zeros(3), np.ones(3)).values())


def test_pinball_punishes_the_side_the_quantile_should_rarely_see():
    # too low at 90%: dear
    assert pinball(np.array([10.0]), np.array([8.0]), 0.9).item() == pytest.approx(1.8)
    # too high at 90%: cheap
    assert pinball(np.array([10.0]), np.array([12.0]), 0.9).item() == pytest.approx(0.2)
    assert pinball(np.array([10.0]), np.array([10.0]), 0.9).item() == 0


def test_coverage_is_the_share_of_days_inside_with_both_ends_counted(window):
    low_high = {
        "q025": 1.0,
        "q975": 4.0,
        "q165": 2.0,
        "q835": 3.0,
        "q250": 9.0,
        "q750": 9.0,
        "q005": 0.0,
        "q995": 5.0,
    }
    quantiles = {name: np.full((2, 2), low_high.get(name, 2.0)) for name in QUANTILES}
    scores = quantile_scores(window.levels[1], quantiles)  # y is 3 5, 2 0
    assert scores["coverage_95"] == 0.5
    assert scores["coverage_67"] == 0.5
    assert scores["coverage_50"] == 0
    assert scores["coverage_99"] == 1


def test_only_the_last_28_days_weigh(sales_of):
    sales = sales_of({"a": [1000.0] + [1.0] * 30, "b": [1.0] + [3.0] * 30}, MONDAY)
    panel = panel_of(
        sales, pl.DataFrame({"unique_id": ["a", "b"]}), prices=_flat_prices({"a": 1.0, "b": 1.0})
    )
    window = window_after(panel, panel.last_day - timedelta(days=1), 1, levels_of(()), EVERY_DAY)
    assert window.levels[-1].weight.tolist() == pytest.approx([0.25, 0.75])


def test_without_any_price_units_weigh(sales_of):
    panel = panel_of(
        sales_of({"a": [1, 1, 1], "b": [3, 3, 3]}, MONDAY), pl.DataFrame({"unique_id": ["a", "b"]})
    )
    assert window_after(panel, date(2024, 1, 2), 1, levels_of(()), EVERY_DAY).levels[
        -1
    ].weight.tolist() == [0.25, 0.75]


def test_a_scale_hangs_on_no_other_series():
    """More of them than are looked at together; days unknown here and there."""
    rng = np.random.default_rng(2)
    history = rng.poisson(0.5, (ROWS_AT_ONCE + 3, 30)).astype(float)
    history[rng.random(history.shape) < 0.1] = np.nan
    by_row = [np.concatenate(scales(row[None])) for row in history]
    assert np.array_equal(np.column_stack(scales(history)), by_row, equal_nan=True)


def test_a_series_that_never_sold_twice_has_no_scale_and_carries_no_error():
    squared, absolute = scales(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 4.0], [1.0, 1.0, 1.0]]))
    assert np.isnan(squared[:2]).all()
    assert np.isnan(absolute[:2]).all()
    assert squared[2] == 0


def test_series_without_a_scale_are_left_out_of_scaled_scores(sales_of):
    panel = panel_of(
        sales_of({"a": [1, 2, 1, 3], "b": [0, 0, 0, 9]}, MONDAY),
        pl.DataFrame({"unique_id": ["a", "b"]}),
    )
    level = window_after(panel, date(2024, 1, 3), 1, levels_of(()), EVERY_DAY).levels[-1]
    assert point_scores(level, np.array([[4.0], [0.0]]))["rmsse"] == pytest.approx(1.0)


def test_a_day_whose_feed_never_came_is_no_error(sales_of):
    sales = sales_of({"a": [1, 2, 1, None, 3], "b": [2, 2, 2, None, 2]}, MONDAY)
    panel = panel_of(sales, pl.DataFrame({"unique_id": ["a", "b"]}))
    window = window_after(panel, date(2024, 1, 3), 2, levels_of(()), EVERY_DAY)
    assert window.is_known.tolist() == [[False, True], [False, True]]
    forecasts = pl.DataFrame(
        {"unique_id": ["a", "a", "b", "b"], "h": [1, 2, 1, 2], "y_hat": [99.0, 3.0, 99.0, 2.0]}
    )
    assert point_scores(window.levels[-1], window.matrix(forecasts))["wape"] == 0


def test_an_absent_row_is_a_scored_zero_if_the_feed_came_and_absence_means_zero(sales_of):
    sales = sales_of({"a": [1, 2, 1, None, 3], "b": [2, 2, 2, 2, 2]}, MONDAY)
    panel = panel_of(sales, pl.DataFrame({"unique_id": ["a", "b"]}))
    window = window_after(panel, date(2024, 1, 3), 2, levels_of(()), EVERY_DAY)
    assert window.is_known.all()
    assert window.levels[-1].y.tolist() == [[0, 3], [2, 2]]
    unknown = window_after(
        panel, date(2024, 1, 3), 2, levels_of(()), replace(EVERY_DAY, absent_means_zero=False)
    )
    assert unknown.is_known.tolist() == [[False, True], [True, True]]


def test_a_day_sold_out_is_not_scored_but_stays_in_the_history(sales_of):
    sales = sales_of({"a": [1, 2, 1, 0, 3]}, MONDAY).with_columns(
        stockout_share=pl.Series([0.0, 0.9, 0.0, 0.9, 0.2])
    )
    panel = panel_of(sales, pl.DataFrame({"unique_id": ["a"]}))
    window = window_after(
        panel, date(2024, 1, 3), 2, levels_of(()), replace(EVERY_DAY, max_stockout_share=0.25)
    )
    assert window.is_known.tolist() == [[False, True]]
    assert history_before(panel, date(2024, 1, 3), EVERY_DAY).tolist() == [[1, 2, 1]]
    assert window_after(panel, date(2024, 1, 3), 2, levels_of(()), EVERY_DAY).is_known.all()


def test_a_day_the_store_was_closed_is_not_scored(sales_of):
    sales = sales_of({"a": [1, 2, 1, 0, 3]}, MONDAY).with_columns(
        is_open=pl.col("ds") != date(2024, 1, 4)
    )
    window = window_after(
        panel_of(sales, pl.DataFrame({"unique_id": ["a"]})),
        date(2024, 1, 3),
        2,
        levels_of(()),
        EVERY_DAY,
    )
    assert window.is_known.tolist() == [[False, True]]


def test_an_unknown_day_is_neither_covered_nor_missed(sales_of):
    sales = sales_of({"a": [1, 2, 1, None, 3]}, MONDAY)
    level = window_after(
        panel_of(sales, pl.DataFrame({"unique_id": ["a"]})),
        date(2024, 1, 3),
        2,
        levels_of(()),
        EVERY_DAY,
    ).levels[-1]
    missed = {name: np.array([[0.0, 0.0]]) for name in QUANTILES}
    assert quantile_scores(level, missed)["coverage_95"] == 0


def _naive_wrmsse_and_wspl(panel, cutoff, horizon, level, y_hat, quantiles) -> tuple[float, float]:
    """One group after the other, one day after the other."""
    sold = {(r["unique_id"], r["ds"]): r["y"] for r in panel.sales.iter_rows(named=True)}
    days = [panel.first_day + timedelta(days=k) for k in range((cutoff - panel.first_day).days + 1)]
    price = {}
    for r in panel.prices.iter_rows(named=True):
        for k in range((r["to_ds"] - r["from_ds"]).days + 1):
            price[r["unique_id"], r["from_ds"] + timedelta(days=k)] = r["price"]
    groups: dict[str, list[str]] = {}
    for row in panel.series.iter_rows(named=True):
        key = "total" if not level.columns else "|".join(row[c] for c in level.columns)
        groups.setdefault(key, []).append(row["unique_id"])
    losses = []
    for members in groups.values():
        history = [sum(sold.get((m, d), 0.0) for m in members) for d in days]
        start = next(k for k, units in enumerate(history) if units > 0)
        changes = [history[k] - history[k - 1] for k in range(start + 1, len(history))]
        squared, absolute = np.mean([c * c for c in changes]), np.mean([abs(c) for c in changes])
        truth = [
            sum(sold.get((m, cutoff + timedelta(days=h)), 0.0) for m in members)
            for h in range(1, horizon + 1)
        ]
        summed = [sum(y_hat[m][h] for m in members) for h in range(horizon)]
        revenue = sum(
            sold.get((m, d), 0.0) * price.get((m, d), 0.0) for m in members for d in days[-28:]
        )
        rmsse_ = math.sqrt(
            np.mean([(a - b) ** 2 for a, b in zip(truth, summed, strict=True)]) / squared
        )
        spl = []
        for name, tau in QUANTILES.items():
            q = [sum(quantiles[name][m][h] for m in members) for h in range(horizon)]
            loss = [
                tau * (y - x) if y >= x else (1 - tau) * (x - y)
                for y, x in zip(truth, q, strict=True)
            ]
            spl.append(np.mean(loss) / absolute)
        losses.append((revenue, rmsse_, np.mean(spl)))
    money = sum(revenue for revenue, _, _ in losses)
    return sum(r * e for r, e, _ in losses) / money, sum(r * s for r, _, s in losses) / money


@pytest.mark.parametrize(
    "columns", [(), ("store_id",), ("store_id", "dept_id"), ("item_id",), ("unique_id",)]
)
def test_wrmsse_and_wspl_equal_a_naive_loop_on_every_level(make_panel, columns):
    panel = make_panel(series=8, days=100, seed=6, nasty=False)
    cutoff, horizon = panel.last_day - timedelta(days=14), 14
    level = levels_of((columns,))[0]
    window = window_after(panel, cutoff, horizon, [level], EVERY_DAY)
    rng = np.random.default_rng(0)
    y_hat = rng.gamma(2, 2, (8, horizon))
    quantiles = {name: y_hat * (0.2 + tau * 2) for name, tau in QUANTILES.items()}
    at = window.levels[0]

    def summed(table: np.ndarray) -> np.ndarray:
        return sum_by(table, at.group_ix, len(at.group_key))[0]

    ids = window.series["unique_id"].to_list()
    wrmsse, wspl = _naive_wrmsse_and_wspl(
        panel,
        cutoff,
        horizon,
        level,
        dict(zip(ids, y_hat, strict=True)),
        {name: dict(zip(ids, q, strict=True)) for name, q in quantiles.items()},
    )
    assert point_scores(at, summed(y_hat))["wrmsse"] == pytest.approx(wrmsse, rel=1e-6)
    assert quantile_scores(at, {n: summed(q) for n, q in quantiles.items()})[
        "wspl"
    ] == pytest.approx(wspl, rel=1e-6)


def test_rmsse_and_mase_equal_utilsforecast_where_series_sell_from_the_first_day(make_panel):
    panel = make_panel(series=6, days=80, seed=9, nasty=False)
    # all sell on day one
    sold = panel.sales.with_columns(y=pl.col("y") + (pl.col("ds") == panel.first_day))
    panel = panel_of(sold, panel.series, prices=panel.prices)
    cutoff = panel.last_day - timedelta(days=7)
    level = window_after(panel, cutoff, 7, levels_of(()), EVERY_DAY).levels[-1]
    y_hat = np.random.default_rng(1).gamma(2, 2, (6, 7))
    ours = point_scores(level, y_hat)
    future = (
        panel.sales.filter(pl.col("ds") > cutoff)
        .select("unique_id", "ds", "y")
        .with_columns(m=pl.Series(y_hat.ravel()))
    )
    history = panel.sales.filter(pl.col("ds") <= cutoff).select("unique_id", "ds", "y")
    for name, loss in (("rmsse", rmsse), ("mase", mase)):
        theirs = loss(future, models=["m"], seasonality=1, train_df=history)["m"].mean()
        assert ours[name] == pytest.approx(theirs, rel=1e-6)
