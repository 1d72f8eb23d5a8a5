"""Was something truly off when an alert was raised? By the simulator's expected demand, which holds
no noise of counts: of `bias` the champion's, of `drift:demand` the change on a year before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from benchmarks.detection.true_moves import group_named
from benchmarks.harness.replay import World
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.days import YEAR
from contract.params import SimulatorParams
from monitoring.signal import members
from monitoring.watch import group_columns
from sources.simulator.simulation import simulate

DAYS = 14  # before an alert, over which what is true is read
LEAST_YEARS = 100  # days of changes on a year before, of which a median is taken


def at_alerts(
    world: World, made_by: SimulatorParams, alerts: dict[str, list[list[str]]], days: list[date]
) -> dict[str, list[Result]]:
    """Of each alert of MEASURES: how far its group was truly off in the fortnight before, and the
    rank of that: the share of the group's watched days on which it was nearer to what is usual.
    """
    truth = simulate(made_by).truth.select("unique_id", "ds", "expected")
    at = {day: k for k, day in enumerate(days)}
    found: dict[str, list[Result]] = {}
    for name, measure in MEASURES.items():
        off = measure(world, truth)
        for day, cause in alerts.get(name, []):
            own = off[group_named(cause)][-len(days) :]
            now = own[at[date.fromisoformat(day)]]
            rank = round(float(np.mean(own[np.isfinite(own)] < now)), 3)
            one = {"cause": cause, "day": day, "off": round(float(now), 3), "rank": rank}
            found.setdefault(name, []).append(one)
    return found


def table(by_worlds: dict[str, dict[str, list[Result]]]) -> str:
    """One row per set of worlds and signal: how far off at alerts, and how seldom it is so far."""
    head = ["alerts", "signal", "in all", "truly off by, median", "least", "nearer on so many days"]
    rows = []
    for worlds, by_signal in by_worlds.items():
        for name, found in by_signal.items():
            off, ranks = ([one[what] for one in found] for what in ("off", "rank"))
            cells = f"{np.median(off):.1%}", f"{min(off):.1%}", f"{np.median(ranks):.0%}"
            rows.append([worlds, name, str(len(found)), *cells])
    return markdown_table(head, rows)


def _biases(world: World, truth: pl.DataFrame) -> dict[str, np.ndarray]:
    """Group -> (days,) up to the panel's last: the week-one forecasts of a fortnight beside the
    demand that was to be expected, known days alone.
    """
    scored = world.first_weeks(world.tables).join(truth, on=["unique_id", "ds"])
    sums = _by_group(world, scored, ["y_hat", "expected"])
    return {group: np.abs(_ratio(made, expected) - 1) for group, (made, expected) in sums.items()}


def _changes(world: World, truth: pl.DataFrame) -> dict[str, np.ndarray]:
    """Group -> (days,) up to the panel's last: the log of a fortnight's expected demand over that
    of a year before, away from its median of the year up to then.
    """
    known = truth.filter(pl.col("ds") <= world.panel.last_day)
    away = {}
    for group, (units,) in _by_group(world, known, ["expected"]).items():
        change = pl.Series(np.log(_ratio(units[YEAR:], units[:-YEAR])))
        usual = change.rolling_median(YEAR, min_samples=LEAST_YEARS)
        away[group] = np.abs((change - usual).to_numpy())
    return away


def _ratio(units: np.ndarray, others: np.ndarray) -> np.ndarray:
    """NaN where either is nothing: a department out of season, a fortnight of closed days."""
    known = (units > 0) & (others > 0)
    ratio: np.ndarray = np.divide(units, others, where=known, out=np.full(len(units), np.nan))
    return ratio


def _by_group(
    world: World, rows: pl.DataFrame, columns: list[str]
) -> dict[str, tuple[np.ndarray, ...]]:
    """Group -> of each column the sums of DAYS days, day by day."""
    series = world.panel.series
    sums = {}
    for group, chosen in members(series, group_columns(series)).items():
        ids = series.filter(pl.Series(chosen))["unique_id"]
        of_group = rows.filter(pl.col("unique_id").is_in(ids.implode()))
        by_day = of_group.group_by("ds").agg(pl.col(columns).sum()).sort("ds")
        whole = by_day.upsample("ds", every="1d").with_columns(pl.col(columns).fill_null(0.0))
        rolled = whole.select(pl.col(columns).cast(pl.Float64).rolling_sum(DAYS))
        sums[group] = tuple(rolled[name].to_numpy() for name in columns)
    return sums


# by the name of a signal
MEASURES: dict[str, Callable[[World, pl.DataFrame], dict[str, np.ndarray]]] = {
    "bias": _biases,
    "drift:demand": _changes,
}
