"""The pipeline's entry points as processes: the one place that knows how they are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.process import Used, command
from benchmarks.harness.results import ROOT

Command = tuple[str, ...]

SUMMARY = ("rows_in", "accepted", "refused", "reason")  # of an entry point's summary, what is kept
NAMES = ("ingest", "train", "evaluate", "inference", "monitor")
TAKE_INBOX: Command = ("ingest.py",)
TAKE_UNUSUAL: Command = ("ingest.py", "--accept-unusual")
FILL: Command = ("ingest.py", "fill", "--freeze")  # the source's own files, and the panel
CHECK_PANEL: Command = ("ingest.py", "check-panel")
TRAIN: Command = ("train.py",)
EVALUATE: Command = ("evaluate.py",)
FORECAST: Command = ("inference.py",)
FORECAST_FROM_PANEL: Command = ("inference.py", "from-panel")
PUBLISH: Command = ("inference.py", "publish")
MONITOR: Command = ("monitor.py",)
REPORT: Command = ("monitor.py", "report")
DAILY: Command = ("flows/daily.py",)
DAILY_PLAIN: Command = ("flows/daily.py", "--plain")


@dataclass(frozen=True)
class Folder:
    """What an entry point works on: a params file, a data folder, and the checkout it is of."""

    params: Path
    data: Path
    checkout: Path = ROOT


def in_folder(folder: Path) -> Folder:
    """params.yaml and data/ in one folder."""
    return Folder(folder / "params.yaml", folder / "data")


def use_m5(files: Path) -> Command:
    """M5's files as the source from here on."""
    return ("ingest.py", "source", "--use", "m5", "--data-from", str(files.resolve()))


def touched_by(file: str) -> Command:
    """What a file of the inbox led to."""
    return ("ingest.py", "touched", "--file", file)


def tried(words: Command, folder: Folder, environment: dict[str, str] | None = None) -> Used:
    """An entry point over a folder, however it ends."""
    shared = ("--params", str(folder.params), "--data", str(folder.data), "--json")
    return command(*words, *shared, cwd=folder.checkout, environment=environment)


def run(words: Command, folder: Folder, environment: dict[str, str] | None = None) -> Used:
    """An entry point that must do its work."""
    used = tried(words, folder, environment)
    if used.exit:
        raise SystemExit(f"{' '.join(words)} ended with {used.exit}:\n{used.log[-2000:]}")
    return used


def row_of(what: str, words: Command, used: Used) -> dict[str, Any]:
    """One run as a row of a result: how it ended, seconds, CPU seconds, peak memory, rows in and
    refused.
    """
    took = {"exit": used.exit, "seconds": used.seconds, "cpu_s": used.cpu_s, "rss_mb": used.peak_mb}
    result = {name: used.summary[name] for name in SUMMARY if name in used.summary}
    return {"what": what, "entry_point": " ".join(words), **took, "result": result}
