"""Monitoring over a replay looks as production does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from benchmarks.detection.true_shifts import at_alerts, table
from benchmarks.harness import replay
from benchmarks.harness.params import params_here
from benchmarks.harness.replay import World, sundays
from benchmarks.harness.watching import alerts_of_fixed_limits, signals_over
from benchmarks.harness.worlds import chain_params, simulated
from contract.days import days_between
from contract.levels import SERIES_LEVEL
from forecasting.intervals import Calibration, Ratios


def test_a_replay_is_watched_by_every_signal_of_production(world: World) -> None:
    """What arrived, what came of the forecasts; repeats and changed numbers among it."""
    names = {signal.name for signal in signals_over(world, world.panel, world.tables)}
    assert {"bias", "accuracy", "calibration:95", "drift:demand", "drift:series"} <= names
    assert "repeats" in names


def test_fixed_limits_judge_a_replay(world: World) -> None:
    """Their evidence holds whatever production's does."""
    days = days_between(world.first_watched, world.panel.last_day)
    alerting = alerts_of_fixed_limits(world, world.panel, world.tables, days)
    assert all(len(by_day) == len(days) for by_day in alerting.values())


def test_a_champion_is_held_against_the_expected_demand(world: World) -> None:
    """Doubled tables are off by about 100%, whatever was sold."""
    doubled = replace(world)
    doubled.__dict__["tables"] = world.tables.with_columns(pl.col("y_hat") * 2)
    days = days_between(world.first_watched, world.panel.last_day)
    made_by, alerts = chain_params(world.params, 30, 200, 4), {"bias": [[str(days[-1]), "bias"]]}
    once, twice = (at_alerts(of, made_by, alerts, days)["bias"][0] for of in (world, doubled))
    assert once["off"] < 0.5
    assert 0.5 < twice["off"] < 1.5
    assert "| worlds | bias | 1 |" in table({"worlds": {"bias": [twice]}})


@pytest.fixture(scope="module")
def world() -> World:
    """A small chain, forecast by the mean of eight weekdays for its last ten weeks."""
    params = params_here()
    panel = simulated(params, 30, 200, 4)
    first = panel.last_day - timedelta(days=70)
    made = World("small", panel, first, panel.last_day - timedelta(days=20), params)
    ratios = Ratios([1.0], [[0.1, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0]], [0.0] * 9)
    champion = replay._average(made), Calibration({SERIES_LEVEL: [ratios]})
    origins = sundays(first, panel.last_day)
    tables = pl.concat([replay.publish(made, panel, origin, *champion) for origin in origins])
    made.__dict__["tables"] = tables
    return made
