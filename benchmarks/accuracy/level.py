"""How far off the sum of four weeks is, on total, stores and their departments, at cutoffs four
weeks apart: with so many days of items, and with totals of the years before beside them.

Items are M5's complete ones (4,836 of 30,490), the totals those of their 70 store-departments.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.cutoffs import last_cutoffs
from benchmarks.harness.params import params_for
from benchmarks.harness.registry import SHARED, Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import complete_items, m5_read, recent
from benchmarks.render.markdown import markdown_table
from contract.frames import TOTALS
from contract.panel import Panel
from contract.scopes import scope_of
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.window_average import WindowAverage

LAST_DAY, HORIZON = 1941, 28  # of M5, which ends with d_1941
ROWS = 700_000  # of a booster; M5's 2,000,000 are of six times as many items
Sums = dict[str, np.ndarray]
LEVELS: dict[str, list[str]] = {
    "total": [],
    "10 stores": ["store_id"],
    "70 departments": ["store_id", "dept_id"],
}


def measure(context: Context) -> Result:
    """By days of items and by what forecast, those of other days are kept."""
    options, result = context.options, context.before()
    with tempfile.TemporaryDirectory(prefix="level-") as scratch:
        files = complete_items(Path(scratch) / "files", options.shared.resolve(), LAST_DAY)
        panel = m5_read(files, Path(scratch))
    totals = _totals(panel)
    for days in options.item_days:
        sums: dict[str, list[Sums]] = {}
        for cutoff in last_cutoffs(panel, HORIZON, options.cutoffs):
            for name, forecast in _forecasts(panel, totals, cutoff, days):
                sums.setdefault(name, []).append(_sums(panel, forecast, cutoff))
            print(days, cutoff, flush=True)
        for name, found in sums.items():
            result[f"{days} days, {name}"] = _errors(found)
        context.keep(result)
    return result


def table(result: Result) -> str:
    """A row for each number of days and forecast: error by level, bias of the total."""
    rows = []
    for name, found in result.items():
        if name != "machine":
            errors = [f"{found['errors'][level]:.2%}" for level in LEVELS]
            rows.append([name, str(found["cutoffs"]), *errors, f"{found['bias']:+.1%}"])
    return markdown_table(["items known, forecast", "cutoffs", *LEVELS, "bias"], rows)


def _forecasts(
    panel: Panel, totals: pl.DataFrame, cutoff: date, days: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """What is forecast from so many days of items up to the cutoff, by name."""
    known = replace(recent(panel, cutoff, days - 1), superseded={})
    params = params_for("m5")
    recipe = feature_recipe_of(params, known)
    train = params.train.model_copy(update={"max_rows": ROWS})
    model = GlobalLightGBM(train, recipe).fit(known)
    no_groups = train.groups.model_copy(update={"columns": None})
    alone = replace(model, params=train.model_copy(update={"groups": no_groups}))
    longer = replace(known, totals=totals).up_to(cutoff)
    average = WindowAverage(recipe).fit(known)
    yield "mean of eight same weekdays", average.forecast(known, cutoff, HORIZON)
    yield "booster alone", alone.forecast(known, cutoff, HORIZON)
    yield "booster and group step", model.forecast(known, cutoff, HORIZON)
    yield "the same with totals", model.forecast(longer, cutoff, HORIZON)


def _totals(panel: Panel) -> pl.DataFrame:
    """TOTALS of the panel's store-departments."""
    groups = LEVELS["70 departments"]
    placed = panel.sales.join(panel.series.select("unique_id", *groups), on="unique_id")
    summed = placed.group_by(*groups, "ds").agg(pl.col("y").sum(), pl.col("known_at").max())
    return TOTALS.conform(summed.with_columns(scope_of(groups))).sort(TOTALS.key)


def _sums(panel: Panel, forecast: pl.DataFrame, cutoff: date) -> Sums:
    """By level the (groups, 2) sums over the horizon: forecast and sold."""
    ahead = pl.col("ds").is_between(cutoff, cutoff + timedelta(days=HORIZON), closed="right")
    sold = panel.sales.filter(ahead).group_by("unique_id").agg(pl.col("y").sum())
    expected = forecast.group_by("unique_id").agg(pl.col("y_hat").sum())
    both = panel.series.join(expected, on="unique_id").join(sold, on="unique_id")
    return {
        level: both.group_by(pl.lit(0), *columns)
        .agg(pl.col("y_hat", "y").sum())
        .select("y_hat", "y")
        .to_numpy()
        for level, columns in LEVELS.items()
    }


def _errors(found: list[Sums]) -> Result:
    """By level the sum of absolute errors over the units sold, all cutoffs together."""
    pooled = {level: np.concatenate([one[level] for one in found]) for level in LEVELS}
    errors = {
        level: float(np.abs(both[:, 0] - both[:, 1]).sum() / both[:, 1].sum())
        for level, both in pooled.items()
    }
    total = pooled["total"]
    bias = float(total[:, 0].sum() / total[:, 1].sum() - 1)
    return {"cutoffs": len(found), "errors": errors, "bias": bias}


BENCHMARK = Benchmark(
    question="How far off is the level of four weeks, and what do totals of older years add?",
    needs="the shared data sets; a minute a cutoff and number of days",
    measure=measure,
    options=(
        SHARED,
        Option("item_days", "days of items that are known", [150, 447], int, many=True),
        Option("cutoffs", "how many, four weeks apart", 24, int),
    ),
    table=table,
)
