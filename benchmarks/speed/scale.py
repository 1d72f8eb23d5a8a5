"""The way of a morning and of a fit, from 1,000 series up: seconds and peak memory by stage, and
how they grow.

Each size is a process of its own: a simulated history of 200 days into a new store, read back, one
fit on the row budget of params.yaml, the forecast of 28 days with quantiles and levels, written.
The slope is that of log seconds (MB) over log series, from 10,000 series on, where fixed costs no
longer hide it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.pipeline import published, published_levels
from benchmarks.harness.process import measured, peak_mb, timed
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.frames import REFUSED
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import QUANTILES
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration, Ratios
from forecasting.seasonal_naive import baseline_of
from runtime.memory import forget_peak
from sources.simulator import Simulation, simulate
from storage.batches import Batch, Delivery, write_delivery
from storage.forecasts import publish
from storage.panel import read_panel
from storage.runs import Run
from storage.store import open_store

DAYS, SIZES, SLOPE_FROM = 200, (1_000, 3_000, 10_000, 30_000, 100_000), 10_000
STAGES = ("write history", "read panel", "fit", "forecast", "write forecasts")
MILLION = 1_000_000
NOW = datetime(2026, 1, 1)
LEVELS = len(QUANTILES)
ANY_RATIOS = Ratios([0.1, 1.0, 10.0], [[k / LEVELS for k in range(LEVELS)]] * 3, [0.0] * LEVELS)


def measure(context: Context) -> Result:
    """Every size in turn; the slopes."""
    sizes = {}
    for size in context.options.sizes:
        sizes[size] = measured(prepared, 0, size).result
        print(size, sizes[size], flush=True)
    slopes = {unit: {stage: _slope(sizes, stage, unit) for stage in STAGES} for unit in ("s", "mb")}
    return {"days": DAYS, "sizes": sizes, "slopes": slopes}


def prepared(size: int) -> Callable[[], Result]:
    """In the measured process: one size."""
    return partial(one_size, size)


def one_size(size: int) -> Result:
    """By stage: seconds, and the peak of memory while it ran (MB)."""
    params = params_here()
    simulator = params.source.simulator.model_copy(update={"series": size, "days": DAYS})
    train = params.train.model_copy(update={"blocks": [params.train.horizon]})
    took: Result = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.duckdb"
        batches = _batches(simulate(simulator))
        _stage(took, "write history", lambda: _write(store, batches))
        batches.clear()
        panel = _stage(took, "read panel", lambda: _read(store))
        recipe = feature_recipe_of(params, panel)
        model = _stage(took, "fit", lambda: GlobalLightGBM(train, recipe).fit(panel))
        tables = _stage(took, "forecast", lambda: _forecast(params, panel, model))
        _stage(took, "write forecasts", lambda: _publish(store, *tables))
    return took


def table(result: Result) -> str:
    """One row per size, one column per stage; the slopes below."""
    slopes = result["slopes"]
    stages = list(slopes["s"])
    rows = [
        [f"{int(size):,}", *(f"{at[stage]['s']:.1f} s, {at[stage]['mb']:,} MB" for stage in stages)]
        for size, at in result["sizes"].items()
    ]
    rows += [
        [f"slope of {name}", *(f"{slopes[unit][stage]:.2f}" for stage in stages)]
        for unit, name in (("s", "seconds"), ("mb", "memory"))
    ]
    size, at = list(result["sizes"].items())[-1]
    times = MILLION / int(size)
    beyond = [
        f"{at[stage]['s'] * times ** slopes['s'][stage]:.0f} s, "
        f"{at[stage]['mb'] * times ** slopes['mb'][stage]:,.0f} MB"
        for stage in at
    ]
    rows.append([f"{MILLION:,}, drawn out by the slopes", *beyond])
    return markdown_table(["series", *stages], rows)


def _stage(took: Result, name: str, work: Callable[[], Any]) -> Any:
    forget_peak()
    made, seconds = timed(work)
    took[name] = {"s": round(seconds, 2), "mb": round(peak_mb())}
    return made


def _batches(simulation: Simulation) -> list[Batch]:
    """Calendar, prices and sales as accepted."""
    frames = {
        "calendar": simulation.calendar,
        "prices": simulation.prices,
        "sales": simulation.sales,
    }
    series = {"sales": simulation.series}
    return [
        Batch(
            fact,
            rows.height,
            rows.with_columns(lines=pl.lit(1)),
            REFUSED.empty(),
            "file",
            series.get(fact),
        )
        for fact, rows in frames.items()
    ]


def _write(store: Path, batches: list[Batch]) -> None:
    with open_store(store) as con:
        write_delivery(con, Delivery("bench", "history", "history", NOW), batches, {})


def _read(store: Path) -> Panel:
    with open_store(store) as con:
        return read_panel(con)


def _forecast(
    params: Params, panel: Panel, model: GlobalLightGBM
) -> tuple[pl.DataFrame, pl.DataFrame]:
    levels = params.source.hierarchy
    calibration = Calibration({level.name: [ANY_RATIOS] for level in levels})
    calibrations = {model.name: calibration, baseline_of(params).name: calibration}
    rows = published(params, panel, panel.last_day, model, calibrations)
    return rows, published_levels(rows, panel, levels, calibration)


def _publish(store: Path, rows: pl.DataFrame, levels: pl.DataFrame) -> None:
    with open_store(store) as con:
        frames = {"forecasts": rows.with_columns(created_at=NOW), "forecast_levels": levels}
        publish(con, Run("bench", "inference", NOW, NOW), frames)


def _slope(sizes: Result, stage: str, unit: str) -> float:
    large = [size for size in sizes if size >= SLOPE_FROM]
    if len(large) < 2:
        return float("nan")
    amounts = [max(sizes[size][stage][unit], 1e-3) for size in large]
    return float(np.polyfit(np.log(large), np.log(amounts), 1)[0])


BENCHMARK = Benchmark(
    question="How do seconds and memory of a morning and of a fit grow with the number of series?",
    needs="nothing; minutes, and 4.3 GB at 100,000 series",
    measure=measure,
    options=(Option("sizes", "numbers of series", list(SIZES), int, many=True),),
    table=table,
)
