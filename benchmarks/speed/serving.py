"""The forecast of one origin, warm: features, boosters, quantiles, levels, for all series of a
panel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness.pipeline import published, published_levels
from benchmarks.harness.process import measured
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from contract.params_file import load_params
from forecasting.champion import candidate_champion
from forecasting.seasonal_naive import baseline_of
from runtime.paths import Paths
from storage.panel_files import read_frozen

RUNS = 3


def measure(context: Context) -> Result:
    """In a process of its own."""
    return asdict(measured(prepared, RUNS, str(context.data), str(context.params_file)))


def prepared(data: str, params_file: str) -> Callable[[], Result]:
    """In the measured process: panel and champion loaded once, forecast again and again."""
    params, paths = load_params(Path(params_file)), Paths(Path(data))
    panel, decision = read_frozen(paths.panel), paths.scores / "decision.json"
    champion = candidate_champion(paths.candidate, paths.incumbent, paths.backtest, decision)
    calibration = champion.calibrations[champion.method(baseline_of(params).name)]

    def work() -> Result:
        rows = published(params, panel, panel.last_day, champion.model, champion.calibrations)
        levels = published_levels(rows, panel, params.source.hierarchy, calibration)
        return {"series": panel.series.height, "rows": rows.height, "level_rows": levels.height}

    return work


def table(result: Result) -> str:
    """One line."""
    series, cost = result["result"]["series"], f"{result['median_s']:.2f} s, {result['rss_mb']} MB"
    return f"forecast of {series:,} series, quantiles, levels: {cost}"


BENCHMARK = Benchmark(
    question="How long does the forecast of one origin take, with everything loaded?",
    needs="a data folder after make repro; seconds",
    measure=measure,
    table=table,
)
