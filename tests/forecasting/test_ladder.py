"""The whole-table rungs: an earlier champion, and the last published table again."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from contract.errors import NotEnoughHistory
from contract.frames import FORECAST_LEVELS, FORECASTS
from contract.quantiles import QUANTILES
from forecasting.bundle import save_bundle
from forecasting.champion import keep_calibration
from forecasting.fallback import LAST_FORECAST, REASONS
from forecasting.ladder import repeated, who_serves

HORIZON, FIRST = 14, date(2024, 3, 4)


@pytest.fixture
def registry(fitted, tmp_path):
    """Two whole bundles, `newer` and `older`."""
    for name in ("newer", "older"):
        save_bundle(fitted, tmp_path / "registry" / name, "panelhash")
    return tmp_path / "registry"


def test_the_champion_serves_and_gives_no_reason(registry, backtest):
    champion = who_serves(registry, ["newer", "older"], backtest)
    assert (champion.model is not None, champion.why_none, champion.reason) == (True, None, None)


def test_a_broken_champion_leaves_it_to_the_one_before_whose_rows_say_so(registry, backtest):
    (registry / "newer" / "card.json").unlink()
    champion = who_serves(registry, ["newer", "older"], backtest)
    assert champion.model is not None
    assert "newer" in champion.why_none
    assert champion.reason == "previous_champion"
    assert champion.reason in REASONS


def test_a_champion_without_sound_quantiles_is_none_either(registry, backtest):
    (registry / "newer" / "calibration.json").write_text('{"global_light', encoding="utf-8")
    champion = who_serves(registry, ["newer", "older"], backtest)
    assert (champion.model is not None, champion.reason) == (True, "previous_champion")


def test_with_no_usable_model_in_line_the_baseline_serves_and_says_what_is_wrong_with_the_champion(
    registry, backtest
):
    for name in ("newer", "older"):
        (registry / name / "card.json").unlink()
    champion = who_serves(registry, ["newer", "older"], backtest)
    assert (champion.model, champion.reason) == (None, None)
    assert "newer" in champion.why_none
    assert who_serves(registry, [], backtest).why_none == "no model was promoted yet"


def test_a_lost_champion_leaves_it_to_what_the_newest_refusal_named(registry, backtest):
    (registry / "newer" / "card.json").unlink()
    keep_calibration(backtest / "calibration.json", registry / "older")
    champion = who_serves(registry, ["newer"], backtest, ("older", "global_lightgbm"))
    assert (champion.model is not None, champion.reason) == (True, "no_champion")
    assert "newer" in champion.why_none
    (registry / "older" / "card.json").unlink()
    lost = who_serves(registry, ["newer"], backtest, ("older", "global_lightgbm"))
    assert lost.model is None
    assert "newer" in lost.why_none


def test_a_calibration_of_another_shape_is_none(registry, backtest):
    (registry / "newer" / "calibration.json").write_text("[]", encoding="utf-8")
    assert who_serves(registry, ["newer", "older"], backtest).reason == "previous_champion"


def _table(columns: dict[str, str], contract) -> pl.DataFrame:
    """Published on the 3rd of March for two weeks; each day expects as many units as its date."""
    days = [FIRST + timedelta(days=k) for k in range(HORIZON)]
    numbers = {name: [float(day.day) for day in days] for name in ("y_hat", *QUANTILES)}
    rows = pl.DataFrame({"ds": days, "h": list(range(1, HORIZON + 1)), **numbers})
    texts = {name: pl.lit(text) for name, text in columns.items()}
    return contract.conform(
        rows.with_columns(run_id=pl.lit("old"), origin=pl.lit(date(2024, 3, 3)), **texts)
    )


def test_the_last_table_again_keeps_the_days_it_holds_and_repeats_its_last_week_beyond():
    last = _table({"unique_id": "a", "method": "global_lightgbm"}, FORECASTS)
    again = FORECASTS.check_key(
        FORECASTS.conform(repeated(last, date(2024, 3, 9), HORIZON, "new"))
    ).sort("ds")
    assert again["ds"].to_list() == [date(2024, 3, 9) + timedelta(days=k) for k in range(HORIZON)]
    # still from the 3rd: nothing was learned since
    assert again["h"].to_list() == list(range(6, HORIZON + 6))
    # the 18th is the 11th
    assert again["y_hat"].to_list() == [9, 10, 11, 12, 13, 14, 15, 16, 17, 11, 12, 13, 14, 15]
    assert again.select("run_id", "origin", "method", "reason").unique().rows() == [
        ("new", date(2024, 3, 3), LAST_FORECAST, "no_sales")
    ]


def test_the_same_for_the_levels():
    levels = _table({"level": "total", "group_key": "total"}, FORECAST_LEVELS)
    again = FORECAST_LEVELS.check_key(
        FORECAST_LEVELS.conform(repeated(levels, date(2024, 5, 1), 7, "new"))
    )
    # Wednesday the 1st of May first
    assert again.sort("ds")["y_hat"].to_list() == [13, 14, 15, 16, 17, 11, 12]


def test_with_nothing_to_repeat_the_refusal_says_what_to_do():
    with pytest.raises(NotEnoughHistory, match=r"make rebuild"):
        repeated(FORECASTS.empty(), FIRST, 7, "new")
