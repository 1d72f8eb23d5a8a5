"""One received file, forward: the rows it brought, the runs that read it, the forecasts and models
it touched.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.errors import BadUsage
from contract.frames import FACTS
from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.lineage import batches_named, forecast_counts, inference_runs, read_until, rows_brought
from storage.models import read_models
from storage.runs import Run
from storage.store import Connection, open_store


def touched_by(
    params: Params, paths: Paths, name: str | None = None, batch_id: int | None = None
) -> Summary:
    """What a file (by name, glob or start of its hash) or one batch reached. Own series are those
    it has rows of; through the features of groups, and the model, every row of a run that read it
    may have moved.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        batches = batches_named(con, name, batch_id)
        if batches.is_empty():
            raise BadUsage(f"no batch is named {name or batch_id!r}. Table `batches` lists them.")
        brought = rows_brought(con, batches["batch_id"].to_list())
        read = brought.filter(pl.col("fact").is_in(list(FACTS)))  # no forecast reads the others
        runs = _runs_that_read(con, batches, read)
        own = brought["unique_id"].drop_nulls().unique()
        counts = forecast_counts(con, [run.run_id for run, _ in runs], own)
        models = _models_that_learned(con, batches, brought)
    return {
        "batches": batches.drop("source").to_dicts(),
        "brought": _by_fact(brought),
        "series": len(own),
        "runs": _run_rows(runs, counts),
        "models": models,
    }


def _runs_that_read(
    con: Connection, batches: pl.DataFrame, brought: pl.DataFrame
) -> list[tuple[Run, bool]]:
    """The runs whose ledger reached one of the batches; whether the run's panel hash proves it."""
    accepted = batches.filter(status="accepted")
    if accepted.is_empty() or brought.is_empty():
        return []
    first, known_from = accepted["batch_id"].min(), brought["first_known_at"].min()
    reached = []
    for run in inference_runs(con, accepted["received_at"].min()):
        position = read_until(con, run)
        is_known_by_then = run.as_of is None or known_from <= run.as_of
        if position and position.batch_id >= first and is_known_by_then:
            reached.append((run, position.is_exact))
    return reached


def _models_that_learned(
    con: Connection, batches: pl.DataFrame, brought: pl.DataFrame
) -> list[Summary]:
    """Models registered after the file arrived, cutoff at or after its first sales day."""
    days = brought.filter(fact="sales")["first_day"]
    if days.is_empty():
        return []
    first: date = days.min()
    models = read_models(con).filter(
        pl.col("created_at") >= batches["received_at"].min(), pl.col("cutoff") >= first
    )
    return models.select("model_id", "kind", "cutoff", "stage", "created_at").to_dicts()


def _by_fact(brought: pl.DataFrame) -> list[Summary]:
    """fact, series, rows, first and last day."""
    series = pl.col("unique_id").n_unique().alias("series")
    days = [pl.col("first_day").min(), pl.col("last_day").max()]
    return (
        brought.group_by("fact", maintain_order=True)
        .agg(series, pl.col("rows").sum(), *days)
        .to_dicts()
    )


def _run_rows(runs: list[tuple[Run, bool]], counts: pl.DataFrame) -> list[Summary]:
    by_run = {row["run_id"]: row for row in counts.to_dicts()}
    fields = ("run_id", "started_at", "status", "model_id", "as_of")
    return [
        {name: getattr(run, name) for name in fields}
        | by_run.get(run.run_id, {})
        | {"is_proved": is_exact}
        for run, is_exact in runs
    ]
