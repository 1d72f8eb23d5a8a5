"""docs/extending.md does what it says: its code blocks are run as they stand there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import LeakingFeature
from expectations.judge import judge
from expectations.suite import Context
from expectations.suites import SUITES
from features.declared import declared_features
from features.dense_panel import FeatureRecipe, build_dense_panel, vocabulary_of
from features.feature import refuse_leaks
from features.frame import Rows, feature_frame
from forecasting.backtest import BacktestPlan, backtest
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.seasonal_naive import SeasonalNaive

BY_STATE = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region="state_id")

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "extending.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Every name the page's code blocks define."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "extending"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 -- our own page
    return names


def test_the_page_has_a_block_for_each_thing_people_add(page):
    sections = re.findall(r"^## (A \w+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sections == ["A feature", "A rule", "A forecaster", "A source", "A drill"]
    assert {
        "weekday_best",
        "more_than_a_store_holds",
        "MedianOfWeeks",
        "read_till_lines",
        "PRICES_DOUBLED",
    } <= set(page)


def test_the_feature_has_the_value_done_by_hand_and_does_not_see_ahead(
    page, sales_of, feature_params
):
    """Forty days of 1, 2, 3 ..: the best of four Tuesdays is the newest one.

    A huge sale after the origin moves nothing.
    """
    from contract.panel import panel_of

    series = pl.DataFrame(
        {"unique_id": ["a"], "store_id": "S", "dept_id": "D", "item_id": "i", "state_id": "A"}
    )
    values = []
    for after in (36.0, 9999.0):
        sales = sales_of({"a": [*map(float, range(1, 36)), after, *[1.0] * 4]}, date(2024, 1, 1))
        panel = panel_of(sales, series)
        dense = build_dense_panel(panel, _plain(feature_params), 28, vocabulary_of(panel), BY_STATE)
        dense = replace(dense, features=[*dense.features, page["weekday_best"](4)])
        # origin: day index 34 sold 35; the target is its tomorrow
        rows = Rows(np.array([0]), np.array([34]), np.array([1]))
        values.append(feature_frame(dense, rows)["weekday_best_4"][0])
    assert values == [29.0, 29.0]  # the day a week before the target: index 28 sold 29


def test_the_feature_anchored_at_the_target_is_refused(page):
    with pytest.raises(LeakingFeature, match="weekday_best_4"):
        refuse_leaks([replace(page["weekday_best"](4), anchor="target")], horizon=28)


def test_a_model_learns_from_the_feature(
    page, make_panel, feature_params, train_params, monkeypatch
):
    """The one line of the page, done here: the list of declared features has one more."""
    monkeypatch.setattr(
        "features.dense_panel.declared_features",
        lambda params, h: [*declared_features(params, h), page["weekday_best"](4)],
    )
    panel = make_panel(series=6, days=120)
    model = GlobalLightGBM(train_params, FeatureRecipe(feature_params, BY_STATE)).fit(panel)
    assert "weekday_best_4" in model.columns
    assert model.forecast(panel, panel.last_day, 7).height == 6 * 7


@pytest.mark.parametrize("by_great_expectations", [True, False])
def test_the_rule_refuses_with_its_own_reason_whoever_judges(page, params, by_great_expectations):
    sales = SUITES["sales"]
    more = replace(
        sales, rules=lambda ingest: [*sales.rules(ingest), page["more_than_a_store_holds"](40)]
    )
    rows = pl.DataFrame({"unique_id": ["a", "b"], "ds": [date(2024, 2, 28)] * 2, "y": [3.0, 41.0]})
    from contract.frames import REFUSED, SALES
    from contract.received import Received

    frame = SALES.conform(rows.with_columns(known_at=pl.lit(None, pl.Datetime("us"))))
    frame = frame.with_columns(
        row_number=pl.Series([1, 2], dtype=pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    context = Context(params.ingest.model_copy(update={"max_refused_share": 1.0}), date(2024, 3, 1))
    judged = judge(
        Received("sales", frame, REFUSED.empty(), 2), more, context, by_great_expectations
    )
    assert judged.refused.select("row_number", "reason").rows() == [(2, "more_than_a_store_holds")]
    assert judged.accepted["unique_id"].to_list() == ["a"]


def test_the_forecaster_stands_in_a_backtest_beside_the_baseline(
    page, make_panel, inference_params
):
    panel = make_panel(series=6, days=120)
    cutoff = panel.last_day - timedelta(days=14)
    forecasters = {
        "seasonal_naive": SeasonalNaive(7, BY_STATE),
        "median_of_weeks": page["MedianOfWeeks"](),
    }
    rows = backtest(
        panel, forecasters, BacktestPlan([cutoff], 14, 1, None, inference_params, BY_STATE, {})
    )
    assert rows.height == 6 * 14
    assert rows["median_of_weeks"].is_finite().all()
    one = rows.filter(pl.col("unique_id") == panel.series["unique_id"][0]).row(0, named=True)
    own = panel.sales.filter(unique_id=one["unique_id"]).filter(
        pl.col("ds").is_between(cutoff - timedelta(days=55), cutoff),
        pl.col("ds").dt.weekday() == one["ds"].isoweekday(),
    )
    assert one["median_of_weeks"] == own["y"].median()


def test_the_source_is_read_judged_and_counted(page, params, tmp_path):
    lines = [
        '{"shop": "S1", "article": "tea", "date": "2024-02-28", "pieces": 3}',
        '{"shop": "S1", "article": "jam", "date": "yesterday", "pieces": 2}',
        '{"shop": "S2", "article": "tea", "date": "2024-02-28", "pieces": -1}',
    ]
    path = tmp_path / "till.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (received,) = page["read_till_lines"](path)
    context = Context(params.ingest.model_copy(update={"max_refused_share": 1.0}), date(2024, 3, 1))
    judged = judge(received, SUITES["sales"], context, by_great_expectations=False)
    assert received.rows_in == judged.accepted["lines"].sum() + judged.refused["lines"].sum() == 3
    assert judged.refused.sort("row_number")["reason"].to_list() == [
        "day_missing",
        "units_negative",
    ]
    assert set(received.series.columns) == {"unique_id", "store_id", "item_id"}


def test_the_drill_breaks_one_thing_and_leaves_its_input_alone(page, make_panel):
    panel = make_panel(series=4, days=60)
    before = panel.prices.clone()
    fault = page["PRICES_DOUBLED"]
    broken = fault.apply(panel, fault.strengths[0], np.random.default_rng(1))
    assert panel.prices.equals(before)
    assert broken.prices["price"].sum() == pytest.approx(2 * before["price"].sum())
    assert broken.sales.equals(panel.sales)


def _plain(feature_params):
    """Without covariates: the hand-made panel has none."""
    return feature_params.model_copy(update={"known_future": [], "past_only": []})
