"""Tables to take along: long frames as Parquet or CSV, and a copy of the store for dashboards."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from contract.errors import SourceMissing
from contract.params import Params
from queries.long_frames import (
    backtest_long,
    final_long,
    forecasts_long,
    levels_long,
    members_of,
    tags_of,
)
from reports.spreadsheets import spreadsheet_safe
from runtime.command_line import Summary
from runtime.disk import written_whole
from runtime.json_files import write_json
from runtime.paths import Paths
from storage.forecasts import forecasts_of, latest_forecast_levels, latest_forecasts
from storage.lineage import sold_after
from storage.overrides import read_final, read_overrides
from storage.series import read_names, read_series
from storage.snapshot import model_registry, write_snapshot
from storage.store import open_store

Form = Literal["parquet", "csv"]


def export(
    params: Params, paths: Paths, to: Path, form: Form, run_id: str | None = None
) -> Summary:
    """The newest whole table (or one run's), its levels with tags and members, the series with what
    they are called, and the backtest if there is one, as files in `to`.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        forecasts = latest_forecasts(con) if run_id is None else forecasts_of(con, run_id)
        origin = forecasts["origin"].max()
        levels = latest_forecast_levels(con, origin) if run_id is None else pl.DataFrame()
        sales = sold_after(con, origin or date.max)
        series, names = read_series(con), read_names(con)
        final = read_final(con, forecasts["run_id"][0]) if forecasts.height else forecasts
        said = read_overrides(con)
    if forecasts.is_empty():
        of_run = f" of run {run_id}" if run_id else ""
        raise SourceMissing(f"there is no forecast to export{of_run}. Run `python inference.py`.")
    frames = {
        "forecasts": forecasts_long(forecasts, sales),
        "final_forecasts": final_long(final, said, sales),
        "series": series.join(names, on="unique_id", how="left", maintain_order="left"),
    }
    if levels.height:
        frames["forecast_levels"] = levels_long(levels, frames["forecasts"], series)
        frames["members"] = members_of(forecasts, levels, series)
    backtest = paths.backtest / "forecasts.parquet"
    if backtest.exists():
        frames["backtest"] = backtest_long(pl.read_parquet(backtest, glob=False))
    to.mkdir(parents=True, exist_ok=True)
    written = {name: _write(frame, to / f"{name}.{form}", form) for name, frame in frames.items()}
    if levels.height:
        write_json(to / "tags.json", tags_of(forecasts, levels), indent=None)
    return {
        "run_id": forecasts["run_id"][0],
        "origin": forecasts["origin"][0],
        **written,
        "written": to,
    }


def snapshot(params: Params, paths: Paths) -> Summary:
    """The store's copy for dashboards, renewed."""
    size = write_snapshot(paths.store, paths.snapshot, params.ingest.lock_wait_s)
    return {"snapshot": paths.snapshot, "bytes": size}


def models(params: Params, paths: Paths) -> list[Summary]:
    """Every registered model: stage, data, params, code, and the forecasts it made."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        return model_registry(con).to_dicts()


def _write(frame: pl.DataFrame, path: Path, form: Form) -> int:
    """The rows written. In a CSV, a name that a spreadsheet would run as a formula is written as
    text.
    """
    with written_whole(path) as unfinished:
        if form == "csv":
            spreadsheet_safe(frame).write_csv(unfinished)
        else:
            frame.rechunk().write_parquet(unfinished)
    return frame.height
