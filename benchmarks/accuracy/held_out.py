"""What the parameters that ship give on data nobody looked at, reported once a release.

They were chosen on M5's days from 2015-03-03 on and on the simulator under seeds below 100
(docs/design/evaluation.md, "Chosen on, held out"). Held out are M5's complete items of the years
before, and the simulator under a seed drawn from the release's number. The recipe of the quantiles
was chosen on M5's cutoffs from 2014-06 on: WSPL and coverage of its rows are not held out.
"""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
from datetime import date
from pathlib import Path

from benchmarks.accuracy.leaderboards import leaderboard_of
from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import params_here, raw_params, simulated_folder, write_params
from benchmarks.harness.registry import SHARED, Benchmark, Context
from benchmarks.harness.results import ROOT, Result
from benchmarks.harness.worlds import complete_items
from benchmarks.render.markdown import markdown_table
from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE
from forecasting.window_average import GROUPED_AVERAGE, WINDOW_AVERAGE
from reports.tables import score_cell
from runtime.paths import Paths

LAST_DAY = 1388  # of M5: 2014-11-16; its calendar counts from 2011-01-29
CHOSEN_SEEDS, SEEDS = 100, 1_000_000  # seeds below the first were looked at
SIMULATOR, M5 = "simulator, a seed of the release", "M5's complete items to 2014-11-16"
SHOWN = ("wrmsse", "wspl", "wape", "bias", "coverage_95")
MODELS = (CANDIDATE, GROUPED_AVERAGE, WINDOW_AVERAGE, BASELINE, "oracle")


def measure(context: Context) -> Result:
    """The sets this release has not reported yet; SystemExit where there is none."""
    named, before = release(), context.before().get("releases", {})
    sets = {SIMULATOR: _simulator}
    if context.options.shared.is_dir():
        sets[M5] = _m5
    reported = before.get(named, {})
    new = [data_set for data_set in sets if data_set not in reported]
    if not new:
        raise SystemExit(
            f"release {named} has reported {list(reported)}. What is looked at twice is not held "
            "out: measure the next release, after `version` in pyproject.toml has changed."
        )
    for data_set in new:
        with tempfile.TemporaryDirectory(prefix="held-out-") as scratch:
            found = sets[data_set](Path(scratch), context.options.shared.resolve(), named)
        reported = reported | {data_set: {"on": str(date.today()), **found}}
        context.keep({"releases": {**before, named: reported}})
    return {"releases": {**before, named: reported}}


def table(result: Result) -> str:
    """A row per release, data set and model."""
    rows = [
        [named, data_set, model, *(score_cell(found["board"][model], name) for name in SHOWN)]
        for named, sets in result["releases"].items()
        for data_set, found in sets.items()
        for model in MODELS
        if model in found["board"]
    ]
    return markdown_table(["release", "data", "model", *SHOWN], rows)


def release() -> str:
    """The release's number, as pyproject.toml states it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def seed_of(named: str) -> int:
    """A seed nobody chose: of the release's number, never one that was looked at."""
    drawn = int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big")
    return CHOSEN_SEEDS + drawn % (SEEDS - CHOSEN_SEEDS)


def _simulator(scratch: Path, _: Path, named: str) -> Result:
    shipped = params_here().source.simulator
    changes = {"source": {"simulator": {"seed": seed_of(named)}}}
    return _pipeline(simulated_folder(scratch, shipped.series, shipped.days, changes))


def _m5(scratch: Path, shared: Path, _: str) -> Result:
    files = complete_items(scratch / "files", shared, LAST_DAY)
    folder = entry.in_folder(scratch)
    write_params(folder.params, raw_params())
    entry.run(entry.use_m5(files), folder)
    return _pipeline(folder)


def _pipeline(folder: entry.Folder) -> Result:
    for words in (entry.FILL, entry.TRAIN, entry.EVALUATE):
        entry.run(words, folder)
    return leaderboard_of(Paths(folder.data))


BENCHMARK = Benchmark(
    question="What do the shipped parameters give on data nobody looked at?",
    needs="nothing, or the shared data sets as well; ten minutes, once a release",
    measure=measure,
    options=(SHARED,),
    table=table,
)
