"""The offline stages' newest result into the store."""

from __future__ import annotations

import json
import logging
from datetime import date, datetime

import polars as pl

from contract.params import Params
from forecasting.champion import enter_registry
from reports.tables import leaderboard_table
from runtime.command_line import Summary
from runtime.json_files import read_json
from runtime.memory import forget_peak, peak_mb
from runtime.paths import Paths
from runtime.process import clock, git_commit
from stages.overrides import laid_over
from storage.models import Model
from storage.offline import Verdict, publish_offline
from storage.runs import Run
from storage.store import open_store

log = logging.getLogger("inference")


def publish(params: Params, paths: Paths, *, now: datetime) -> Summary:
    """Model, scores, forecasts, their run and the promotion, in one transaction. Twice changes
    nothing.

    The model's bundle is in the registry before the store names it.
    """
    forget_peak()
    lineage, decision = (
        read_json(paths.forecasts / "run.json"),
        read_json(paths.scores / "decision.json"),
    )
    model = _registered(paths, now)
    frames = {
        name: pl.read_parquet(paths.forecasts / f"{name}.parquet", glob=False)
        for name in ("forecasts", "forecast_levels")
    }
    spans = paths.forecasts / "demand_spans.parquet"
    if spans.exists():  # a result of older code has none
        frames["demand_spans"] = pl.read_parquet(spans, glob=False)
    frames |= {"scores": pl.read_parquet(paths.scores / "scores.parquet", glob=False)}
    frames["forecasts"] = forecasts = frames["forecasts"].with_columns(created_at=now)
    run = Run(
        **lineage, started_at=now, ended_at=clock(), git_commit=git_commit(), peak_mb=peak_mb()
    )
    reasons = "; ".join(decision["reasons"])
    serves = decision.get("serves") or {}
    verdict = Verdict(decision["promote"], reasons, serves.get("method"))
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        frames["overridden"] = laid_over(con, params, forecasts.lazy())
        publish_offline(con, model, run, frames, verdict)
    log.info(
        "published run_id=%s model_id=%s promoted=%s",
        run.run_id,
        model.model_id,
        decision["promote"],
    )
    rows = f"{forecasts.height} rows from {forecasts['origin'][0]}, run {run.run_id}"
    return {
        "leaderboard": leaderboard_table(read_json(paths.scores / "leaderboard.json")),
        "champion": model.model_id if decision["promote"] else _refusal(reasons, serves),
        "forecasts": f"table forecasts in {paths.store}: {rows}",
        "report": paths.reports / "index.html",
    }


def _refusal(reasons: str, serves: Summary) -> str:
    """Why there is no new champion, and what serves meanwhile; nothing of that where one reigns."""
    return f"not promoted: {reasons}" + (f"\n{serves['reason']}" if serves else "")


def _registered(paths: Paths, now: datetime) -> Model:
    """The candidate as the registry holds it from now on."""
    card = enter_registry(paths.candidate, paths.backtest, paths.registry)
    described = {name: card[name] for name in ("model_id", "kind", "panel_hash", "params_hash")}
    return Model(
        **described,
        cutoff=date.fromisoformat(card["cutoff"]),
        card=json.dumps(card),
        created_at=now,
    )
