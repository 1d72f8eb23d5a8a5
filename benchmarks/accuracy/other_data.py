"""Second opinions: data sets that are not ours through the same entry points, by their params
alone.

The params are the blocks of docs/tutorial.md under "Four mappings that were run", laid over
params.yaml; Rossmann's are those that ship. Each data set gets a folder of its own: fill, freeze,
train, backtest, forecast. Kept: its leaderboard, and what each entry point cost.
"""

from __future__ import annotations

import re
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from benchmarks.accuracy.leaderboards import leaderboard_of
from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import raw_params, write_params
from benchmarks.harness.registry import SHARED, Benchmark, Context, Option
from benchmarks.harness.results import ROOT, Result, keep
from benchmarks.render.leaderboards_page import NAMES
from benchmarks.render.markdown import markdown_table
from contract.params_file import lay_over
from reports.scores import MODEL_WORDS
from reports.tables import leaderboard_table
from runtime.paths import Paths

MAPPING = re.compile(r"^\*\*[^*]+\*\* \((\w+)\).*?```yaml\n(.*?)```", re.DOTALL | re.MULTILINE)
HEADING = "## Four mappings that were run"
PLANNED_DAYS = 42  # of Rossmann's, brought as plans instead of sales

HEADS = [
    "data",
    "series x days",
    "LightGBM WRMSSE",
    "8 weekdays",
    "naive",
    "bias",
    "95% covered",
    "served",
    "WAPE: served, best simple",
]
COSTS = ["rows in", "s: fill, train, evaluate, forecast", "MB"]
MODELS = ("global_lightgbm", "window_average", "seasonal_naive")
SIMPLE = ("grouped_average", "window_average", "seasonal_naive")


def measure(context: Context) -> None:
    """Every data set, or those that are named; each kept as a leaderboard of its own."""
    mappings = {
        "rossmann": {},
        "rossmann_with_plans": {"source": {"files": {"plans": "test.*"}}},
        **mappings_of_the_tutorial(),
    }
    for name in context.options.only or mappings:
        with tempfile.TemporaryDirectory(prefix="other-") as scratch:
            shared = context.options.shared.resolve()
            result = of_data(Path(scratch), name, shared, mappings[name])
        print(name, leaderboard_table(result["board"]), sep="\n", flush=True)
        keep(f"leaderboard_{name}", result)


def other_data(boards: dict[str, Result]) -> str:
    """One row per data set."""
    foreign = {name: result for name, result in boards.items() if result.get("entry_points")}
    rows = [[NAMES[name], *_scores(result), *_costs(result)] for name, result in foreign.items()]
    return markdown_table([*HEADS, *COSTS], rows)


def mappings_of_the_tutorial() -> dict[str, dict[str, Any]]:
    """Data set -> what stands in its block."""
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    blocks = MAPPING.findall(text.partition(HEADING)[2])
    return {name.lower(): YAML(typ="safe").load(block) for name, block in blocks}


def of_data(scratch: Path, name: str, shared: Path, mapping: dict[str, Any]) -> Result:
    """The leaderboard of one data set, and a row per entry point: seconds, CPU seconds, peak
    memory, rows in and refused.
    """
    planned = name == "rossmann_with_plans"
    files = with_plans(scratch, shared / "rossmann") if planned else shared / name
    folder = mapped_folder(scratch, files, mapping)
    commands = (entry.FILL, entry.TRAIN, entry.EVALUATE, entry.FORECAST_FROM_PANEL)
    entry_points = [entry.row_of(name, words, entry.run(words, folder)) for words in commands]
    return leaderboard_of(Paths(folder.data)) | {"entry_points": entry_points}


def mapped_folder(scratch: Path, files: Path, mapping: dict[str, Any]) -> entry.Folder:
    """params.yaml of this checkout with the mapping laid over it. A mapping's tables of columns
    replace those that ship.
    """
    raw, source = raw_params(), mapping.get("source", {}).get("files", {})
    source = raw["source"]["files"] | source
    raw["source"] |= {"kind": "files", "path": str(files), "sha256": None, "files": source}
    if "profiles" in mapping:
        profile = lay_over(raw["profiles"]["files"], mapping["profiles"]["files"])
        raw["profiles"]["files"] = profile
    write_params(scratch / "params.yaml", raw)
    return entry.in_folder(scratch)


def with_plans(scratch: Path, rossmann: Path) -> Path:
    """Rossmann's files as on the first of its last days: sales before them, and for them what was
    planned.
    """
    made = scratch / "files"
    made.mkdir()
    train, day = pl.read_parquet(rossmann / "train.parquet"), pl.col("Date")
    first_planned = train["Date"].max() - timedelta(days=PLANNED_DAYS - 1)
    train.filter(day < first_planned).write_parquet(made / "train.parquet")
    planned = train.filter(day >= first_planned).drop("Sales", "Customers")
    planned.write_parquet(made / "test.parquet")
    return made


def _scores(result: Result) -> list[str]:
    ours, average, naive = (result["board"][model] for model in MODELS)
    first, last = (date.fromisoformat(result[name]) for name in ("first_day", "last_day"))
    return [
        f"{result['series']:,} x {(last - first).days + 1:,}",
        f"{ours['wrmsse']:.3f} ± {ours['wrmsse_spread']:.3f}",
        f"{average['wrmsse']:.3f}",
        f"{naive['wrmsse']:.3f}",
        f"{ours['bias']:+.1%}",
        f"{ours['coverage_95']:.1%}",
        *_served(result),
    ]


def _served(result: Result) -> list[str]:
    """Who is published, and its error beside the best simple forecaster's; in results of before
    nobody was named.
    """
    served, board = result["decision"].get("served"), result["board"]
    if served is None:
        return ["", ""]
    simple = min(board[model]["wape"] for model in SIMPLE if model in board)
    return [MODEL_WORDS.get(served, served), f"{board[served]['wape']:.3f}, {simple:.3f}"]


def _costs(result: Result) -> list[str]:
    ran = result["entry_points"]
    seconds = ", ".join(f"{one['seconds']:.0f}" for one in ran)
    return [f"{ran[0]['result']['rows_in']:,}", seconds, f"{max(one['rss_mb'] for one in ran):,}"]


BENCHMARK = Benchmark(
    question="How good is it on data that is not ours, through params alone?",
    needs="the shared data sets; a quarter of an hour",
    measure=measure,
    options=(
        SHARED,
        Option("only", "these data sets", many=True),
    ),
)
