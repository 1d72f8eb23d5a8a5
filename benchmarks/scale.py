"""The whole way of a morning and of a fit, from 1,000 series up: seconds and peak memory by stage, and how they grow.

run     python -m benchmarks.scale [--sizes 1000 3000 10000 30000 100000]
writes  benchmarks/results/scale.json, docs/growth.svg

Each size is a process of its own: a simulated history of 200 days into a new store, read back, one fit on the row budget of
params.yaml, the forecast of 28 days with quantiles and levels, written. The slope is that of log seconds (MB) over log series, from
10,000 series on, where fixed costs no longer hide it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import ROOT, keep, measured, peak_mb
from contract.frames import REFUSED
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from contract.quantiles import QUANTILES
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration, Ratios
from forecasting.publication import publish_forecasts, publish_levels
from forecasting.seasonal_naive import baseline_of
from reports.tables import text_table
from runtime.memory import forget_peak
from sources.simulator import Simulation, simulate
from storage.batches import Batch, Delivery, write_delivery
from storage.forecasts import publish
from storage.panel import read_panel
from storage.runs import Run
from storage.store import open_store

DAYS, SIZES, SLOPE_FROM = 200, (1_000, 3_000, 10_000, 30_000, 100_000), 10_000
PLOT = ROOT / "docs" / "growth.svg"
STAGES = ("write history", "read panel", "fit", "forecast", "write forecasts")
NOW = datetime(2026, 1, 1)
ANY_RATIOS = Ratios([0.1, 1.0, 10.0], [[k / len(QUANTILES) for k in range(len(QUANTILES))]] * 3, [0.0] * len(QUANTILES))


def main() -> None:
    """Every size in turn, the table, the slopes, the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--one", type=int, help="this size, in this process")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps({"seconds": [0.0], "rss_mb": 0, "told": one_size(arguments.one)}))
        return
    told = {}
    for size in arguments.sizes:
        told[size] = measured("benchmarks.scale", "--one", str(size)).told
        print(size, told[size], file=sys.stderr, flush=True)
    rows = [
        [f"{size:,}", *[f"{told[size][s]['s']:.1f} s, {told[size][s]['mb']:,} MB" for s in STAGES]] for size in told
    ]
    slopes = {what: {stage: _slope(told, stage, what) for stage in STAGES} for what in ("s", "mb")}
    rows += [[f"slope, {what}", *[f"{slopes[what][stage]:.2f}" for stage in STAGES]] for what in slopes]
    print(text_table(["series", *STAGES], rows))
    keep("scale", {"days": DAYS, "sizes": told, "slopes": slopes})
    draw(told)


def draw(told: dict[int, dict[str, Any]]) -> None:
    """docs/growth.svg: seconds and memory of each stage against the number of series, both axes in logarithms."""
    import altair as alt
    import vl_convert

    rows = [
        {"series": int(size), "stage": stage, "what": name, "value": at[stage][key]}
        for size, at in told.items()
        for stage in STAGES
        for key, name in (("s", "seconds"), ("mb", "peak MB"))
    ]
    lines = alt.Chart(pl.DataFrame(rows)).mark_line(point=True)
    chart = lines.encode(
        x=alt.X("series:Q", scale=alt.Scale(type="log"), title="series"),
        y=alt.Y("value:Q", scale=alt.Scale(type="log"), title=None),
        color=alt.Color("stage:N", title=None, sort=list(STAGES)),
        column=alt.Column("what:N", title=None, sort=["seconds", "peak MB"]),
    )
    plot = chart.properties(width=300, height=220).resolve_scale(y="independent")
    PLOT.write_text(vl_convert.vegalite_to_svg(plot.to_dict()), encoding="utf-8")


def one_size(size: int) -> dict[str, Any]:
    """By stage: seconds, and the peak of memory while it ran (MB)."""
    params = load_params(ROOT / "params.yaml")
    simulator = params.source.simulator.model_copy(update={"series": size, "days": DAYS})
    train = params.train.model_copy(update={"blocks": [params.train.horizon]})
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.duckdb"
        deliveries = _deliveries(simulate(simulator))
        _stage(told, "write history", lambda: _write(store, deliveries))
        deliveries.clear()
        panel = _stage(told, "read panel", lambda: _read(store))
        reading = feature_recipe_of(params, panel)
        model = _stage(told, "fit", lambda: GlobalLightGBM(train, reading).fit(panel))
        tables = _stage(told, "forecast", lambda: _forecast(params, panel, model))
        _stage(told, "write forecasts", lambda: _publish(store, *tables))
    return told


def _stage(told: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    forget_peak()
    started = time.perf_counter()
    made = work()
    told[name] = {"s": round(time.perf_counter() - started, 2), "mb": round(peak_mb())}
    return made


def _deliveries(simulation: Simulation) -> list[Batch]:
    """Calendar, prices and sales as accepted batches."""
    frames = {"calendar": simulation.calendar, "prices": simulation.prices, "sales": simulation.sales}
    none = REFUSED.empty()
    return [
        Batch(
            fact,
            rows.height,
            rows.with_columns(lines=pl.lit(1)),
            none,
            "file",
            simulation.series if fact == "sales" else None,
        )
        for fact, rows in frames.items()
    ]


def _write(store: Path, batches: list[Batch]) -> None:
    with open_store(store) as con:
        write_delivery(con, Delivery("bench", "history", "history", NOW), batches, {})


def _read(store: Path) -> Panel:
    with open_store(store) as con:
        return read_panel(con)


def _forecast(params: Params, panel: Panel, model: GlobalLightGBM) -> tuple[pl.DataFrame, pl.DataFrame]:
    baseline = baseline_of(params)
    calibration = Calibration({level.name: [ANY_RATIOS] for level in params.source.hierarchy})
    told = {model.name: calibration, baseline.name: calibration}
    asked = (panel, panel.last_day, params.train.horizon, model, baseline, told, params.inference, "bench")
    rows = publish_forecasts(*asked, params.source.region)
    return rows, publish_levels(rows, panel.series, params.source.hierarchy, calibration)


def _publish(store: Path, rows: pl.DataFrame, levels: pl.DataFrame) -> None:
    with open_store(store) as con:
        publish(con, Run("bench", "inference", NOW, NOW), rows.with_columns(created_at=NOW), levels)


def _slope(told: dict[int, dict[str, Any]], stage: str, what: str) -> float:
    sizes = [size for size in told if size >= SLOPE_FROM]
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log([max(told[size][stage][what], 1e-3) for size in sizes]), 1)[0])


if __name__ == "__main__":
    main()
