"""What fitting and forecasting say they will hold, before anything is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import train as entry_point
from contract.demand import DemandRules
from contract.errors import BadUsage
from contract.params import Params
from features.dense_panel import FeatureRecipe, vocabulary_of
from forecasting.footprint import Shape, shape_of_card, to_backtest, to_fit, to_forecast
from runtime.memory import keep_within
from runtime.paths import Paths

BY_STATE = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region="state_id")

M5 = Shape(series=30_490, days=447, sales=13_600_000, plans=100_000)
DOUBLE = [{"series": 60_980}, {"days": 894}, {"sales": 27_200_000}, {"plans": 13_700_000}]


@pytest.fixture(autouse=True)
def _no_budget_left() -> Iterator[None]:
    yield
    keep_within(None)


@pytest.mark.parametrize("more", DOUBLE)
def test_more_of_anything_needs_more(params: Params, more: dict[str, int]) -> None:
    larger = replace(M5, **more)
    for needs in (to_fit, to_backtest, lambda shape, p: to_forecast(shape, p, 28)):
        assert max(needs(larger, params).values()) > max(needs(M5, params).values())


def test_a_budget_makes_the_pieces_smaller_and_so_the_need(
    params: Params, make_panel, feature_params
) -> None:
    panel = make_panel(series=9, days=150, seed=3)
    recipe = FeatureRecipe(feature_params, BY_STATE)
    free, wide = (
        max(to_forecast(M5, params, 28).values()),
        recipe.dense_panel(panel, 14, vocabulary_of(panel)).chunk_series,
    )
    keep_within(500)
    tight = recipe.dense_panel(panel, 14, vocabulary_of(panel)).chunk_series
    assert max(to_forecast(M5, params, 28).values()) < free
    assert tight < wide


def test_train_refuses_before_it_reads_the_panel(params: Params, tmp_path: Path) -> None:
    """Only the card is there: were the panel read, its files would be missed."""
    files = {
        f"{name}.parquet": {"rows": 1000, "sha256": ""}
        for name in ("sales", "series", "prices", "covariates")
    }
    card = {"hash": "", "first_day": "2024-01-01", "last_day": "2024-12-31", "files": files}
    paths = Paths(tmp_path)
    paths.panel.mkdir()
    (paths.panel / "panel.json").write_text(json.dumps(card), encoding="utf-8")
    assert shape_of_card(card) == Shape(1000, 366, 1000, 2000)
    keep_within(100)
    with pytest.raises(BadUsage, match="--memory-budget is 100"):
        entry_point.train(params, paths)
