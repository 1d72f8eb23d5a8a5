"""The champion's intervals scaled by its live coverage, as a decision on record; and taken back."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from contract.params import Params
from forecasting.recalibration import interval_scale_of, learned_interval_scale, text_of
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.said import refuse_name
from storage.decisions import Decision, newest_interval_scale, record_decision
from storage.models import champion
from storage.runs import read_runs
from storage.store import open_store

KIND = "recalibration"


def recalibrate(params: Params, paths: Paths, scaling: pl.DataFrame, now: datetime) -> str | None:
    """Why the intervals are scaled from the next table on; None while each class of series is
    covered as stated.

    `scaling` as monitoring.look.scaling_rows. Only the champion's own rows count, made since it was
    last scaled: under one interval_scale.
    """
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        model_id = champion(con)
        if model_id is None:
            return None
        before = newest_interval_scale(con, model_id)
        since = before.decided_at if before else datetime.min
        runs = read_runs(con, "inference").filter(
            pl.col("model_id") == model_id, pl.col("started_at") > since
        )
        mine = scaling.join(runs.select("run_id"), on="run_id", how="semi").filter(
            pl.col("reason").is_null()
        )
        learned = learned_interval_scale(
            mine, interval_scale_of(before.detail if before else None), params.monitor.coverage_band
        )
        if learned is None:
            return None
        interval_scale, why = learned
        record_decision(
            con, Decision(KIND, now, "stretched", why, model_id, detail=text_of(interval_scale))
        )
    return why


def as_calibrated(params: Params, paths: Paths, by: str, now: datetime) -> Summary:
    """The champion's intervals as its backtest taught them, from the next table on: a person takes
    the interval_scale back.
    """
    refuse_name(by)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        decision = Decision(KIND, now, "as calibrated", f"taken back by {by}", champion(con))
        record_decision(con, decision)
    return {"intervals": "as calibrated", "model_id": decision.model_id, "by": by}
