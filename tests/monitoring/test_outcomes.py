"""The tables of forecasts beside their actuals: by hand, and against a naive draw of the PIT."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.frames import FORECAST_LEVELS
from contract.levels import Level, levels_of
from contract.panel import panel_of
from contract.quantiles import QUANTILES
from forecasting.actuals import levels_with_actuals, with_actuals
from monitoring.outcomes import READ_AT, TAUS, outcome_tables

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

ORIGIN = date(2024, 1, 31)
SERIES = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})
TOTAL, STORE = Level("total", ()), Level("store_id", ("store_id",))


@pytest.fixture
def actuals(forecasts_of, sales_of):
    """Ten days: a forecast of 6 where 4 sold in S1, of 0.5 where 1 sold in S2."""
    sales = sales_of({"a": [4.0] * 10, "b": [1.0] * 10}, ORIGIN + timedelta(days=1))
    forecasts = forecasts_of({"a": [6.0] * 14, "b": [0.5] * 14}, ORIGIN)
    return with_actuals(forecasts, panel_of(sales, SERIES), EVERY_DAY)


def published(actuals: pl.DataFrame, level: Level, y_hat: float, group: str) -> pl.DataFrame:
    rows = actuals.filter(unique_id="a").select("run_id", "origin", "ds", "h")
    rows = rows.with_columns(level=pl.lit(level.name), group_key=pl.lit(group), y_hat=pl.lit(y_hat))
    return FORECAST_LEVELS.conform(
        rows.with_columns(pl.lit(y_hat * 2 * tau).alias(name) for name, tau in QUANTILES.items())
    )


def test_units_errors_and_coverage_by_week_velocity_group_and_level(actuals):
    tables = outcome_tables(
        actuals, published(actuals, TOTAL, 6.5, "total").clear(), SERIES, ["store_id"]
    )
    assert list(tables) == ["by_week", "by_velocity", "by_store_id", "by_level"]
    assert [(row["week"], row["y"]) for row in tables["by_week"]] == [(1, 35.0), (2, 15.0)]
    assert [row["velocity"] for row in tables["by_velocity"]] == ["fast", "slow"]
    first, second = tables["by_store_id"]
    assert (first["wape"], first["bias"]) == (0.5, 0.5)
    assert (second["wape"], second["bias"]) == (0.5, -0.5)
    (series,) = tables["by_level"]
    assert (series["level"], series["y"], series["wape"]) == ("series", 50.0, 0.5)


def test_the_pit_gap_is_that_of_the_randomised_pit(actuals):
    rng = np.random.default_rng(3)
    random = actuals.with_columns(y=pl.Series(rng.poisson(3, actuals.height).astype(float)))
    (row,) = outcome_tables(random, pl.DataFrame(), SERIES, [])["by_level"]
    nine = random.select(*QUANTILES).to_numpy().T
    at = [list(QUANTILES).index(name) for name in READ_AT]
    few = shares_of(random["y"].to_numpy(), nine[at])
    assert row["pit_gap"] == pytest.approx(np.abs(few - TAUS).max(), abs=0.002)
    inside = random["y"].is_between(random["q025"], random["q975"]).mean()
    assert row["covered_95"] == pytest.approx(inside)


def shares_of(y: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The PIT drawn at random where an outcome equals quantiles, often: what spreading it evenly is
    on average.
    """
    rng, edges = np.random.default_rng(1), np.concatenate([[0.0], TAUS, [1.0]])
    start, stop = edges[(quantiles < y).sum(axis=0)], edges[(quantiles <= y).sum(axis=0) + 1]
    drawn = start + (stop - start) * rng.random((20_000, len(y)))
    return (drawn[..., None] <= TAUS).mean(axis=(0, 1))


def test_a_level_is_judged_by_its_own_intervals_in_the_share_that_is_known(actuals):
    table = published(actuals, TOTAL, 6.5, "total")
    whole = levels_with_actuals(table, actuals, SERIES, [TOTAL])
    assert whole.select("y", "error", "week").unique().sort("week").rows() == [
        (5.0, 1.5, 1),
        (5.0, 1.5, 2),
    ]
    without_b = levels_with_actuals(table, actuals.filter(unique_id="a"), SERIES, [TOTAL])
    assert without_b.select("y", "y_hat", "error").unique().row(0) == pytest.approx((4.0, 6.0, 2.0))
    assert without_b["q975"].to_list() == pytest.approx((whole["q975"] * 6 / 6.5).to_list())
    assert levels_with_actuals(table, actuals.filter(unique_id="b"), SERIES, [TOTAL]).is_empty()
    rows = outcome_tables(actuals, whole, SERIES, [])["by_level"]
    assert [(row["level"], row["wape"], row["bias"]) for row in rows] == [
        ("total", 0.3, 0.3),
        ("series", 0.5, pytest.approx(0.3)),
    ]


def test_levels_keep_their_order_and_their_groups(actuals):
    tables = [
        published(actuals, TOTAL, 6.5, "total"),
        published(actuals, STORE, 6.0, "S1"),
        published(actuals, STORE, 0.5, "S2"),
    ]
    levels = levels_of(((), ("store_id",)))[:2]
    rows = outcome_tables(
        actuals, levels_with_actuals(pl.concat(tables), actuals, SERIES, levels), SERIES, []
    )["by_level"]
    assert [(row["level"], row["y"]) for row in rows] == [
        ("total", 50.0),
        ("store_id", 50.0),
        ("series", 50.0),
    ]


def test_no_actuals_are_no_table(actuals):
    assert outcome_tables(actuals.clear(), pl.DataFrame(), SERIES, []) == {}
