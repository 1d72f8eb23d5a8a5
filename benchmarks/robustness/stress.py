"""Where it bends: ten times the series, five years at once, twenty files in the inbox, ten times
the volume, promotions everywhere.

Every entry point runs in a process of its own; seconds and peak memory are that process's. A part
measured alone takes its own place among the results kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import simulated_folder
from benchmarks.harness.process import measured
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params_file import load_params
from forecasting.bundle import load_bundle
from runtime.paths import Paths
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate
from storage.panel_files import read_frozen

USUAL_SERIES, DAYS, FIVE_YEARS = 1000, 400, 1826
FILES_AT_ONCE = 20
HORIZON = 28
NUMBERS = ("exit", "seconds", "cpu_s", "rss_mb")


def measure(context: Context) -> Result:
    """Part by part; what is done is kept at once."""
    parts = context.before().get("parts", {})
    with tempfile.TemporaryDirectory(prefix="stress-") as scratch:
        every = _parts(Path(scratch))
        for name in context.options.only or every:
            parts[name] = every[name]()
            context.keep({"parts": parts})
    return {"parts": parts}


def table(result: Result) -> str:
    """One row per entry point."""
    rows = []
    for row in (row for rows in result["parts"].values() for row in rows):
        numbers = [str(row.get(name, "-")) for name in NUMBERS]
        said = ", ".join(f"{name} {value}" for name, value in row["result"].items())
        rows.append([row["what"], row["entry_point"], *numbers, said])
    return markdown_table(["what", "entry point", "exit", "seconds", "CPU s", "MB", "result"], rows)


def filled(scratch: Path, series: int, what: str) -> tuple[entry.Folder, list[Result]]:
    """A folder filled and frozen, learned from and forecast."""
    folder = simulated_folder(scratch / what.replace(" ", "_"), series, DAYS)
    rows = [_row(what, folder, words) for words in (entry.FILL, entry.TRAIN)]
    return folder, [*rows, _forecast(what, folder)]


def inbox_of_many(folder: entry.Folder) -> list[Result]:
    """So many daily files at once; and before them, a day on which everybody bought ten times as
    much.
    """
    simulation = simulate(load_params(folder.params).source.simulator)
    inbox, last = Paths(folder.data).inbox, simulation.last_day
    inbox.mkdir(exist_ok=True)
    path = write_day(simulation, last + timedelta(days=1), inbox)
    tenfold = pl.read_csv(path).with_columns(pl.col("y") * 10)
    rows = []
    for words in (entry.TAKE_INBOX, entry.TAKE_UNUSUAL):
        tenfold.write_csv(path)
        rows.append(_row("ten times the volume", folder, words))
    for k in range(2, FILES_AT_ONCE + 2):
        write_day(simulation, last + timedelta(days=k), inbox)
    return [*rows, _row(f"{FILES_AT_ONCE} files at once", folder, entry.TAKE_INBOX)]


def promoted_everywhere(folder: entry.Folder) -> Result:
    """The champion's units of four weeks with a promotion on every item, against none: beside what
    promotions did before.
    """
    paths = Paths(folder.data)
    panel, model = read_frozen(paths.panel), load_bundle(paths.candidate)
    units = {}
    for promo in (0.0, 1.0):
        ahead = pl.when(pl.col("to_ds") > panel.last_day).then(promo).otherwise("promo")
        prices = panel.prices.with_columns(promo=ahead)
        made = model.forecast(replace(panel, prices=prices), panel.last_day, HORIZON)
        units[promo] = made["y_hat"].sum()
    result = {
        "units_against_none": round(units[1.0] / units[0.0], 3),
        "learned_from_share": _promo_share(panel),
    }
    return {"what": "a promotion on every item", "entry_point": "forecast", "result": result}


def prepared(data: str) -> Callable[[], Result]:
    """In the measured process: one forecast of 28 days for all series."""
    paths = Paths(Path(data))

    def work() -> Result:
        panel, model = read_frozen(paths.panel), load_bundle(paths.candidate)
        return {"rows_in": model.forecast(panel, panel.last_day, HORIZON).height}

    return work


def _parts(scratch: Path) -> dict[str, Callable[[], list[Result]]]:
    """What is stressed, by name."""

    def usual() -> list[Result]:
        folder, rows = filled(scratch, USUAL_SERIES, "usual")
        return [*rows, promoted_everywhere(folder), *inbox_of_many(folder)]

    def five_years() -> list[Result]:
        folder = simulated_folder(scratch / "five_years", USUAL_SERIES, FIVE_YEARS)
        return [_row("five years at once", folder, entry.FILL)]

    def ten_times() -> list[Result]:
        return filled(scratch, 10 * USUAL_SERIES, "ten times the series")[1]

    return {"usual": usual, "five_years": five_years, "ten_times": ten_times}


def _row(what: str, folder: entry.Folder, words: entry.Command) -> Result:
    return entry.row_of(what, words, entry.tried(words, folder))


def _forecast(what: str, folder: entry.Folder) -> Result:
    timed = asdict(measured(prepared, 1, str(folder.data)))
    took = {"exit": 0, "seconds": timed["median_s"], "rss_mb": timed["rss_mb"]}
    return {"what": what, "entry_point": "forecast", **took, "result": timed["result"]}


def _promo_share(panel: Panel) -> float:
    known = panel.prices.filter(pl.col("from_ds") <= panel.last_day)
    return round(float((known["promo"].fill_null(0.0) > 0).mean()), 3)


BENCHMARK = Benchmark(
    question="Where does it bend: more series, years, files, volume, promotions everywhere?",
    needs="nothing; ten minutes",
    measure=measure,
    options=(Option("only", "parts: usual, five_years, ten_times", many=True),),
    table=table,
)
