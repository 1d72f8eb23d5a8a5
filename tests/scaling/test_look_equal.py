"""The same look of any number of parts: findings, the series they name, outcomes, and the rows the
intervals are scaled by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.demand import DemandRules
from contract.frames import FORECAST_LEVELS, FORECASTS
from contract.levels import Level
from contract.panel import Panel, panel_of
from contract.params import Params
from contract.quantiles import QUANTILES
from monitoring.freshness import last_days
from monitoring.look import (
    Known,
    Looked,
    PartLook,
    Rules,
    looked_in_parts,
    realised,
    scaling_rows,
    seen_at,
)
from monitoring.outcome_signals import NO_SUMS
from monitoring.past_tables import Published
from monitoring.watch import Evidence, watch
from scaling.engines import Here
from scaling.parts import Parts, part_of_series, write_parts
from scaling.run import run_parts

FIRST, DAYS, HORIZON = date(2023, 1, 2), 640, 14
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = datetime.combine(LAST + timedelta(days=1), time(6))
STORES, ITEMS = 6, 5
OF_A_SUM = 1e-9  # its rounding
WEEK = np.array([0.7, 0.8, 0.9, 1.0, 1.3, 1.6, 0.7])
RULES = DemandRules(absent_means_zero=True, max_stockout_share=0.5, region="store_id")
LEVELS = {
    "total": Level("total", ()),
    "store_id": Level("store_id", ("store_id",)),
    "dept_id": Level("dept_id", ("dept_id",)),
}


class World:
    """A chain: units (series, days), NaN where no row came; and what else is known of it."""

    def __init__(self, seed: int = 1, stores: bool = True):
        self.rng = np.random.default_rng(seed)
        names = [
            {"unique_id": f"I{item}_S{store}", "dept_id": f"D{item % 2}", "store_id": f"S{store}"}
            for item in range(ITEMS)
            for store in range(STORES)
        ]
        self.series = pl.DataFrame(names).sort("unique_id")
        self.store = np.array([int(name[-1]) for name in self.series["unique_id"]])
        self.item = np.array([int(name[1]) for name in self.series["unique_id"]])
        level = self.rng.gamma(2.0, 4.0, len(self.series)) + 1
        self.mean = level[:, None] * WEEK[np.arange(DAYS + HORIZON) % 7]
        self.y = self.rng.poisson(self.mean[:, :DAYS]).astype(float)
        self.price = np.repeat(2 + 0.3 * self.item[:, None], DAYS, axis=1).astype(float)
        self.promo = (self.rng.random((len(self.series), DAYS)) < 0.1).astype(float)
        self.sold_out = np.where(self.rng.random(self.y.shape) < 0.05, 0.3, 0.0)
        self.weather = self.rng.normal(10, 3, (STORES, DAYS + HORIZON)) + np.arange(STORES)[:, None]
        self.closed: list[tuple[str, date]] = []  # stores that plan to be, and when
        self.without_table = np.zeros(len(self.series), dtype=bool)
        self.reason = {"I0_S0": "launch"}
        if not stores:
            self.series = self.series.drop("store_id")

    def panel(self) -> Panel:
        """Its facts."""
        known = np.argwhere(~np.isnan(self.y))
        at, day = known.T
        days = pl.date_range(FIRST, LAST, eager=True)
        ids = self.series["unique_id"]
        sales = {"unique_id": ids.gather(at), "ds": days.gather(day), "y": self.y[at, day]}
        sales |= {"stockout_share": self.sold_out[at, day]}
        at, day = np.argwhere(~np.isnan(self.price)).T
        prices = {
            "unique_id": ids.gather(at),
            "from_ds": days.gather(day),
            "to_ds": days.gather(day),
            "price": self.price[at, day],
            "promo": self.promo[at, day],
        }
        ahead = pl.date_range(FIRST, LAST + timedelta(days=HORIZON), eager=True)
        covariates = pl.concat(
            pl.DataFrame({"unique_id": name, "ds": ahead, "value": self.weather[store]})
            for name, store in zip(ids, self.store, strict=True)
        ).with_columns(name=pl.lit("weather"))
        schema = {"region": pl.String, "ds": pl.Date}
        calendar = pl.DataFrame(self.closed, schema, orient="row").with_columns(
            is_closed=pl.lit(True), known_at=datetime(2023, 1, 1)
        )
        known_at = pl.col("ds").cast(pl.Datetime("us")) + timedelta(days=1)
        return panel_of(
            pl.DataFrame(sales).with_columns(known_at=known_at),
            self.series,
            calendar,
            prices=pl.DataFrame(prices).with_columns(known_at=datetime(2023, 1, 1)),
            covariates=covariates.with_columns(known_at=datetime(2023, 1, 1)),
        )

    def tables(self, origins: Iterable[date]) -> pl.DataFrame:
        """A table from each origin: the mean as it was before anything happened, a little off."""
        frames = []
        for origin in origins:
            day = (origin - FIRST).days + 1
            off = self.rng.normal(1, 0.05, (len(self.series), 1))
            mean = self.mean[:, day : day + HORIZON] * off
            at, ahead = np.indices(mean.shape)[:, ~self.without_table].reshape(2, -1)
            y_hat = mean[at, ahead]
            spread = {
                name: np.maximum(y_hat + 2.5 * (tau - 0.5) * np.sqrt(y_hat), 0)
                for name, tau in QUANTILES.items()
            }
            ids = self.series["unique_id"].gather(at)
            frame = pl.DataFrame({"unique_id": ids, "h": ahead + 1, "y_hat": y_hat, **spread})
            frames.append(
                frame.with_columns(
                    origin=pl.lit(origin),
                    run_id=pl.lit(f"run-{origin}"),
                    ds=pl.lit(origin) + pl.duration(days=pl.col("h")),
                    method=pl.lit("global_lightgbm"),
                    reason=ids.replace_strict(self.reason, default=None, return_dtype=pl.String),
                )
            )
        return FORECASTS.conform(pl.concat(frames)) if frames else FORECASTS.empty()


def weekly(count: int) -> list[date]:
    """Origins a week apart, the last of them the panel's last day."""
    return [LAST - timedelta(days=7 * k) for k in range(count)][::-1]


def quiet() -> tuple[World, list[date]]:
    return World(), weekly(60)


def shifted() -> tuple[World, list[date]]:
    """In the last three weeks a store sells four times as much, another repeats its days, a third
    sells in packs, an item no more; promotions, shelves, prices and the weather change.
    """
    world = World(2)
    since = DAYS - 20
    world.y[world.store == 1, since:] *= 4
    world.y[world.store == 2, since:] = world.y[world.store == 2, since - 1 : since]
    world.y[(world.store == 3) & (world.item == 4), since:] = 90.0
    world.y[world.item == 3, since:] = 0.0
    world.promo[:, since:] = (world.rng.random((30, 20)) < 0.6).astype(float)
    world.sold_out[:, since:] = np.where(world.rng.random((30, 20)) < 0.5, 0.4, 0.0)
    world.price[:, since:] *= 1.5
    world.price[world.store == 4, since:] = np.nan
    world.weather[:, since:] = world.weather[:, since:] * 1.8 + 32
    world.y[world.store == 5, -80:] = np.nan  # shut for good
    world.closed = [(f"S{store}", LAST + timedelta(days=3)) for store in range(4)]
    return world, weekly(60)


def late_and_new() -> tuple[World, list[date]]:
    """A store is late, another, that of the first part, opened since the newest table; no price is
    known.
    """
    world = World(3)
    world.y[world.store == 4, -4:] = np.nan
    world.y[world.store == 0, :-10] = np.nan
    world.without_table = world.store == 0
    world.price[:] = np.nan
    world.sold_out[:] = np.nan
    return world, weekly(60)[:-1]


def young() -> tuple[World, list[date]]:
    """Too short a past for signals: fixed limits judge, of tables too high and too narrow."""
    world = World(7)
    for facts in (world.y, world.price):
        facts[:, :-110] = np.nan
    world.y[world.store == 2, -50:] = np.floor(world.y[world.store == 2, -50:] / 2)
    less = world.item % 2 == 1  # a department
    world.y[less, -30:] = np.floor(world.y[less, -30:] * 0.4)
    return world, weekly(5)


def of_one_feed() -> tuple[World, list[date]]:
    """Of nine parts two are without a series."""
    return World(4, stores=False), weekly(60)


def long_shut() -> tuple[World, list[date]]:
    """A store that shut before the days looked at begin: its parts know no row of it."""
    world = World(8)
    world.y[world.store == 5, 1:] = np.nan
    return world, weekly(3)


def all_alike() -> tuple[World, list[date]]:
    """Every group falls by as much: which is named hangs on their order."""
    world = World(9)
    world.mean[:] = 40.0
    world.y = np.full_like(world.y, 40.0)
    world.y[:, ::7] = 0.0
    world.y[:, -20:] = np.floor(world.y[:, -20:] * 0.3)
    return world, weekly(60)


def the_first_morning() -> tuple[World, list[date]]:
    return World(5), weekly(1)


def before_any_table() -> tuple[World, list[date]]:
    return World(6), []


@pytest.fixture
def look(params: Params, tmp_path: Path) -> Callable[..., Looked]:
    """`look(world, origins, count)`: what is found in so many parts, 1: in one."""

    def found(world: World, origins: list[date], count: int) -> Looked:
        panel, tables = world.panel(), world.tables(origins)
        levels = [LEVELS[name] for name in ("total", *world.series.columns) if name in LEVELS]
        has_stores = "store_id" in world.series.columns
        demand = RULES if has_stores else replace(RULES, region=None)
        rules = Rules(demand, levels, params.monitor)
        runs = {origin: f"run-{origin}" for origin in origins}
        of_groups = _of_levels(tables, world.series, levels)
        published = Published(runs, of_groups, LAST, HORIZON, params.monitor.signals.days_looked_at)
        nothing = panel.only(pl.Series([], dtype=pl.String))
        evidence = replace(_evidence(nothing), rules=demand, feeds=last_days(panel))
        rows_of = partial(_rows, tables)
        if count == 1:
            return _in_one(panel.with_shut_days(), published, rows_of, evidence, rules)
        of_series = part_of_series(world.series, {}, count)
        parts = _parts(panel, tmp_path / str(count), of_series)
        of_part = partial(_rows_of_part, tables, of_series)
        known = Known(evidence, published, None, "nothing was served")
        run_parts(PartLook(known, rules, 0.5, of_part), "look", parts, Here())
        return looked_in_parts(parts.all_results("look"), known)

    return found


def _in_one(
    panel: Panel, published: Published, rows_of: Any, evidence: Evidence, rules: Rules
) -> Looked:
    past = realised(panel, published, rows_of, rules, 0.5)
    seen = seen_at(evidence, panel, past.last_table, published, rows_of)
    findings = watch(seen, past.actuals, rules.monitor)
    return Looked(findings, past.outcomes(), scaling_rows(past.actuals, panel))


def _parts(panel: Panel, folder: Path, of_series: pl.DataFrame) -> Parts:
    numbers = sorted(of_series["part"].unique())
    panels = (panel.only(of_series.filter(part=number)["unique_id"]) for number in numbers)
    return write_parts(folder, panels, panel.series)


def _rows(
    tables: pl.DataFrame, run_ids: list[str], quantiles: Iterable[str], most_h: int, until: date
) -> pl.DataFrame:
    """As storage.forecasts.judged_rows."""
    left_out = {"method", "created_at"} | (set(QUANTILES) - set(quantiles))
    known = tables.filter(
        pl.col("run_id").is_in(run_ids), pl.col("h") <= most_h, pl.col("ds") <= until
    )
    return known.drop(left_out).sort(FORECASTS.key)


def _rows_of_part(
    tables: pl.DataFrame, of_series: pl.DataFrame, part: int, *how: Any
) -> pl.DataFrame:
    own = of_series.filter(part=part)
    return _rows(tables.join(own, on="unique_id", how="semi"), *how)


def _of_levels(tables: pl.DataFrame, series: pl.DataFrame, levels: list[Level]) -> pl.DataFrame:
    """FORECAST_LEVELS: sums, and intervals as wide as the sums'."""
    frames = [
        tables.join(series.select("unique_id", level.group_key), on="unique_id")
        .group_by("run_id", "origin", "group_key", "ds", "h")
        .agg(pl.col("y_hat", *QUANTILES).sum())
        .with_columns(level=pl.lit(level.name))
        for level in levels
    ]
    return FORECAST_LEVELS.conform(pl.concat(frames)).sort(FORECAST_LEVELS.key)


def _evidence(panel: Panel) -> Evidence:
    """A quiet ledger, a champion of ten days ago."""
    batch = {
        "batch_id": 1,
        "fact": "sales",
        "name": "till.csv",
        "status": "accepted",
        "rows_in": 100,
        "rows_refused": 0,
        "received_at": NOW,
        "reason": None,
    }
    quarantine = {"batch_id": pl.Int64, "reason": pl.String, "lines": pl.Int64}
    moments = dict.fromkeys(["started_at", "ended_at"], pl.Datetime("us"))
    texts = dict.fromkeys(["run_id", "door", "status"], pl.String)
    return Evidence(
        now=NOW,
        panel=panel,
        batches=pl.DataFrame([batch], schema_overrides={"reason": pl.String}),
        quarantine=pl.DataFrame(schema=quarantine),
        runs=pl.DataFrame(schema={**texts, **moments, "peak_mb": pl.Float64}),
        newest=FORECASTS.empty(),
        past=FORECASTS.empty(),
        weekly=NO_SUMS,
        expected_wape={1: 0.3, 2: 0.3},
        champion_cutoff=LAST - timedelta(days=10),
        serves=None,
        refused="",
        rules=RULES,
        feeds=pl.DataFrame(),
        known_future=["weather"],
    )


@pytest.mark.parametrize(
    ("world", "count"),
    [
        (quiet, 3),
        (shifted, 2),
        (shifted, 6),
        (late_and_new, 6),
        (young, 3),
        (of_one_feed, 9),
        (long_shut, 3),
        (all_alike, 3),
        (the_first_morning, 2),
        (before_any_table, 3),
    ],
)
def test_parts_say_what_the_whole_says(look, near, world, count):
    one, many = look(*world(), 1), look(*world(), count)
    assert [asdict(finding) for finding in many.findings if finding.watcher != "parity"] == [
        near(asdict(finding), OF_A_SUM) for finding in one.findings
    ]
    assert many.outcomes == near(one.outcomes, OF_A_SUM)
    by = ["run_id", "ds", "y", "y_hat"]
    assert_frame_equal(many.scaling.sort(by), one.scaling.sort(by))


def test_every_kind_of_shift_is_found_and_its_series_are_named(look):
    """Or the comparison above would compare nothing."""
    found = {finding.cause: finding for finding in look(*shifted(), 3).findings}
    alerting = {cause for cause, finding in found.items() if finding.severity != "ok"}
    assert {
        *("accuracy", "bias", "calibration:95", "repeats", "drift:covariates:weather"),
        *(
            "drift:demand:store_id:S1",
            "drift:mix:dept_id:D1",
            "drift:missing_prices",
            "drift:prices",
        ),
        *("drift:promotions", "drift:series", "drift:stockouts", "drift:zeros"),
        f"planned_closed:{LAST + timedelta(days=3)}",
    } <= alerting
    assert all(
        found[cause].contributors
        for cause in alerting
        if cause.startswith(("accuracy", "bias", "repeats", "drift:")) and "covariates" not in cause
    )
