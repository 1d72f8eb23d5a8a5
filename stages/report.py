"""The page for planner and engineer, from the offline stages' files alone."""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl

from contract.errors import SourceMissing
from contract.params import Params
from reports.page import OfflineResults, render
from reports.series_files import write_series_files
from reports.tables import leaderboard_table
from reports.watch import write_watch_page
from runtime.command_line import Summary
from runtime.json_files import read_json, write_json
from runtime.paths import Paths
from storage.panel_files import read_frozen

log = logging.getLogger("monitor")


def report(params: Params, paths: Paths) -> Summary:
    """data/reports/index.html and series/; dated by the origin, so same files, same bytes."""
    results = OfflineResults(
        panel=read_frozen(paths.panel),
        forecasts=_read(paths.forecasts / "forecasts.parquet"),
        levels=_read(paths.forecasts / "forecast_levels.parquet"),
        backtest=_read(paths.backtest / "forecasts.parquet"),
        scores=_read(paths.scores / "scores.parquet"),
        leaderboard=read_json(paths.scores / "leaderboard.json"),
        decision=read_json(paths.scores / "decision.json"),
        card=read_json(paths.candidate / "card.json"),
        validation=read_json(paths.validation / "panel.json"),
    )
    board = {"origin": results.origin, "decision": results.decision, "models": results.leaderboard}
    write_json(paths.reports / "leaderboard.json", board | {"left_out": results.card["left_out"]})
    page = paths.reports / "index.html"
    page.write_text(render(results), encoding="utf-8")
    series_bytes = write_series_files(results.panel, results.forecasts, paths.reports)
    write_watch_page(paths.reports)
    log.info("rendered page=%s bytes=%d series_bytes=%d", page, page.stat().st_size, series_bytes)
    return {
        "leaderboard": leaderboard_table(results.leaderboard),
        "report": str(page),
        "bytes": page.stat().st_size,
    }


def _read(path: Path) -> pl.DataFrame:
    """A table of an earlier stage; SourceMissing when it has not run yet."""
    if not path.exists():
        raise SourceMissing(f"there is no '{path}'. Run `make repro` first: it makes this file.")
    return pl.read_parquet(path, glob=False)
