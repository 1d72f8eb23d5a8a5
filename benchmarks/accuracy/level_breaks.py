"""How much of a department's step the table has taken after so many days, and what learning to
follow costs where nothing steps.

One fit, not refitted; the department sells so many times as much from the day after on. Taken is
how far its sum over the horizon has gone from what an unchanged chain would be given to so many
times that. Beside it WRMSSE of the unchanged chain at five origins after the fit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.params import params_for, params_here
from benchmarks.harness.pipeline import window_of
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.scores import scores_of
from benchmarks.harness.worlds import M5_FILES, every_nth_item, m5_read, recent, simulated
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM

HORIZON = 28
SIZES = (2.0, 0.5)
DAYS_SINCE = (3, 7, 14, 21, 28)
ORIGINS = (0, 7, 14, 21, 28)  # days after the fit at which the unchanged chain is scored
LEFT_DAYS = 60  # between the fit and the panel's last day


def measure(context: Context) -> Result:
    """By world and share of rows from levels that break; those of other worlds are kept."""
    options, result = context.options, context.before()
    for name, params, panel in _worlds(options.worlds, options.seeds, options.m5_files):
        for share in options.shares:
            train = params.train.model_copy(update={"break_share": float(share)})
            key = f"{name}, {float(share):.0%} of rows"
            result[key] = _measured(params.model_copy(update={"train": train}), panel)
            context.keep(result)
    return result


def table(result: Result) -> str:
    """A row for each world and share."""
    head = [
        "world",
        *(f"x{size:g}, day {day}" for size in SIZES for day in DAYS_SINCE),
        "WRMSSE, unchanged",
        "bias",
    ]
    rows = [
        [
            name,
            *(f"{taken:.0%}" for size in SIZES for taken in found["taken"][f"{size:g}"]),
            f"{np.mean(found['wrmsse']):.4f}",
            f"{np.mean(found['bias']):+.1%}",
        ]
        for name, found in result.items()
        if name != "machine"
    ]
    return markdown_table(head, rows)


def _worlds(
    worlds: list[str], seeds: list[str], m5_files: Path | None
) -> Iterator[tuple[str, Params, Panel]]:
    if m5_files is not None:
        with tempfile.TemporaryDirectory(prefix="breaks-") as scratch:
            panel = every_nth_item(m5_read(m5_files.resolve(), Path(scratch)), 10)
        yield "M5, every tenth item", params_for("m5"), panel
        return
    for world in worlds:
        params = params_here()
        simulator = params.source.simulator.model_copy(update={"world": world})
        source = params.source.model_copy(update={"simulator": simulator})
        params = params.model_copy(update={"source": source})
        for seed in seeds:
            yield f"{world} {seed}", params, simulated(params, 500, 760, int(seed))


def _measured(params: Params, panel: Panel) -> Result:
    first = panel.last_day - timedelta(days=LEFT_DAYS)
    known = recent(panel, first)
    model = GlobalLightGBM(params.train, feature_recipe_of(params, known)).fit(known)
    department = panel.series["dept_id"].unique().sort()[0]
    windows = [_scored(params, model, panel, first + timedelta(days=days)) for days in ORIGINS]
    return {
        "department": department,
        "taken": {
            f"{size:g}": [
                _taken(model, panel, department, size, first, days) for days in DAYS_SINCE
            ]
            for size in SIZES
        },
        "wrmsse": [scores["wrmsse"] for scores in windows],
        "bias": [scores["bias"] for scores in windows],
    }


def _taken(
    model: GlobalLightGBM, panel: Panel, department: str, size: float, first: date, days: int
) -> float:
    """The share of the step that is in the table of an origin so many days after it began."""
    members = panel.series.filter(dept_id=department)["unique_id"].implode()
    is_hit = (pl.col("ds") > first) & pl.col("unique_id").is_in(members)
    units = pl.when(is_hit).then(pl.col("y") * size).otherwise("y")
    stepped = replace(panel, sales=panel.sales.with_columns(y=units))
    origin = first + timedelta(days=days)
    before, after = (
        model.forecast(one.up_to(origin), origin, HORIZON)
        .filter(pl.col("unique_id").is_in(members))["y_hat"]
        .sum()
        for one in (panel, stepped)
    )
    return float((after / before - 1) / (size - 1))


def _scored(params: Params, model: GlobalLightGBM, panel: Panel, origin: date) -> Result:
    window = window_of(params, panel, origin, HORIZON)
    forecast = model.forecast(panel.up_to(origin), origin, HORIZON).rename({"y_hat": "ours"})
    means = np.nan_to_num(window.matrix(forecast, "ours"))
    return scores_of(window, np.where(window.is_known, means, 0.0))


BENCHMARK = Benchmark(
    question="How soon does the table follow a department's step, and what does that cost?",
    needs="nothing, or M5's files; two minutes a world and share",
    measure=measure,
    options=(
        Option("worlds", "hard or calm", ["hard", "calm"], many=True),
        Option("seeds", "seeds of these worlds", ["7", "8", "9"], many=True),
        Option("shares", "shares of rows from levels that break", ["0", "0.1"], many=True),
        M5_FILES,
    ),
    table=table,
)
