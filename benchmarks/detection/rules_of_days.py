"""The rules that compare a day with its weekday: false alarms on clean days, and the share of
broken days they catch.

Of the simulator the last 365 days of five seeds; of M5's files the last 200 days.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import M5_FILES
from contract.levels import Level
from contract.panel import Panel, panel_of
from contract.params import IngestParams, Params, SourceParams
from drills.judged_panel import judged_day, usual_units_of
from expectations.own_past import own_rank
from expectations.suite import Context as SuiteContext
from expectations.usual import WEEKS_COMPARED
from sources.finding import files_of
from sources.reading import read_file
from sources.simulator.drop import make_drop
from sources.simulator.simulation import simulate

RULES = ("day_incomplete", "units_of_another_size", "items_mixed_up")
CLEAN = {"daily_files": 0, "bad_rows_share": 0.0, "restated_share": 0.0, "late_share": 0.0}
SEEDS, SIMULATED_DAYS, M5_DAYS = (1, 2, 3, 4, 5), 365, 200
STEP_DAYS = 5  # between broken days; not a multiple of 7

Fault = Callable[
    [pl.DataFrame, pl.DataFrame], pl.DataFrame
]  # a day's rows, the series -> what arrives


def _half_by_name(rows: pl.DataFrame, _series: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("unique_id").head(rows.height // 2)


def _half_by_store(rows: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    order = series.select("unique_id", "store_id").sort("store_id", "unique_id")
    return (
        order.select("unique_id")
        .join(rows, on="unique_id", maintain_order="left")
        .head(rows.height // 2)
    )


def _department(factor: float, number: int) -> Fault:
    def broken(rows: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
        name = series["dept_id"].unique().sort()[number]
        hit = pl.col("unique_id").is_in(series.filter(dept_id=name)["unique_id"].implode())
        return rows.with_columns(y=pl.when(hit).then(pl.col("y") * factor).otherwise("y"))

    return broken


def _mixed_up(rows: pl.DataFrame, _series: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("y").shuffle(seed=1))


FAULTS: dict[str, Fault] = {
    "items mixed up": _mixed_up,
    "half a file, by name": _half_by_name,
    "half a file, by store": _half_by_store,
    **{
        f"department {number + 1} x{factor:g}": _department(factor, number)
        for factor in (1000, 12, 1 / 12, 0.001)
        for number in (0, 6)
    },
}


def replayed(panel: Panel, days: int, levels: list[Level], ingest: IngestParams) -> Result:
    """The last days of a panel, one at a time: clean days refused or noted by rule, and broken days
    caught.
    """
    clean: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    tried = 0
    for back in range(days):
        day = panel.last_day - timedelta(days=back)
        rows = panel.sales.filter(ds=day)
        judgement = judged_day(panel, rows, day, levels, ingest)
        refused = set(judgement.refused["reason"]) & set(RULES)
        clean.update([*refused, *(note.split(":")[0] for note in judgement.notes)])
        if back % STEP_DAYS == 0:
            tried += 1
            for name, fault in FAULTS.items():
                broken = judged_day(panel, fault(rows, panel.series), day, levels, ingest)
                caught[name] += broken.accepted.is_empty()
    by_fault = {name: caught[name] for name in FAULTS}
    return {"days": days, "clean_days": dict(clean), "broken_days": tried, "caught": by_fault}


def ranked(panel: Panel, days: int, ingest: IngestParams) -> Result:
    """Of the last days of a panel the rank correlation with the same weekdays before (own_rank), as
    sold and mixed up.
    """
    first = panel.last_day - timedelta(days=days + 7 * WEEKS_COMPARED)
    recent, ranks = panel.sales.filter(pl.col("ds") > first).drop_nulls("y"), {}
    for name, fault in {"clean": lambda rows, _series: rows, "mixed up": _mixed_up}.items():
        on_days = [panel.last_day - timedelta(days=back) for back in range(days)]
        found = [_rank(recent, panel, day, fault, ingest) for day in on_days]
        known = sorted(rank for rank in found if rank is not None)
        ranks[name] = {
            "days": len(known),
            "lowest": round(known[0], 3),
            "highest": round(known[-1], 3),
            "refused": sum(rank < ingest.min_own_rank for rank in known),
        }
    return ranks


def _rank(
    recent: pl.DataFrame, panel: Panel, day: date, fault: Fault, ingest: IngestParams
) -> float | None:
    before = (pl.lit(day) - pl.col("ds")).dt.total_days()
    weeks = recent.filter(before.is_between(1, 7 * WEEKS_COMPARED), before % 7 == 0)
    context = SuiteContext(
        ingest, day, usual_units=usual_units_of(weeks), calendar=panel.calendar.filter(ds=day)
    )
    rows = fault(recent.filter(ds=day), panel.series).with_columns(copy=pl.lit(0))
    found = own_rank(rows, context)
    return found["own_rank"][0] if found.height else None


def simulated(params: Params, seed: int) -> Panel:
    """A clean simulated world of a year and nine weeks."""
    world = params.source.simulator.model_copy(
        update={"seed": seed, "days": SIMULATED_DAYS + 63, **CLEAN}
    )
    with tempfile.TemporaryDirectory() as folder:
        files = make_drop(simulate(world), Path(folder), world).files
        return _panel(files, params.source.model_copy(update={"kind": "simulator"}))


def _panel(files: list[Path], source: SourceParams) -> Panel:
    facts = {fact.fact: fact for path in files for fact in read_file(path, source)}
    rows = {name: facts[name].rows.drop("row_number", "lines") for name in ("sales", "calendar")}
    series = facts["sales"].series
    assert series is not None, "the source's sales name their series"
    return panel_of(rows["sales"], series, rows["calendar"])


def measure(context: Context) -> Result:
    """The simulator's seeds; or M5's files."""
    params, options = params_here(), context.options
    panels = {f"simulator {seed}": (simulated(params, seed), SIMULATED_DAYS) for seed in SEEDS}
    if options.m5_files:
        panels = {"m5": (_m5(params, options.m5_files), M5_DAYS)}
    results = {}
    for name, (panel, days) in panels.items():
        replay = (
            {} if options.ranks else replayed(panel, days, params.source.hierarchy, params.ingest)
        )
        before = context.before().get(name, {})
        results[name] = before | replay | {"own_rank": ranked(panel, days, params.ingest)}
    return context.before() | results


def _m5(params: Params, files: Path) -> Panel:
    source = params.source.model_copy(update={"kind": "m5", "path": str(files)})
    return _panel([path for path in files_of(source) if "price" not in path.name], source)


BENCHMARK = Benchmark(
    question="How often do the rules of a day refuse a clean one, and which faults do they catch?",
    needs="nothing, or M5's files; minutes",
    measure=measure,
    options=(
        M5_FILES,
        Option("ranks", "only the rank correlation with the own past", kind=bool),
    ),
)
