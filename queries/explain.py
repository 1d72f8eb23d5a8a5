"""One forecast number, back to where it comes from: run, model, params, panel, files, feature
values, every step, comparable days.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from contract.demand import demand_rules
from contract.errors import BadUsage, ModelBroken
from contract.hashes import served_hash
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import QUANTILES
from forecasting.bundle import load_bundle
from forecasting.champion import champion_in_registry
from forecasting.explain import BASE, Explanation, explain, interval_steps
from forecasting.fallback import LAST_FORECAST, REASONS, complete, no_forecast
from forecasting.recalibration import with_interval_scale
from forecasting.seasonal_naive import baseline_of
from queries.comparable_days import comparable_days, flags_of
from runtime.paths import Paths
from storage.batches import read_batches
from storage.decisions import newest_interval_scale
from storage.lineage import (
    LedgerPosition,
    batches_of_series,
    cell_runs,
    panel_as_read,
    read_until,
    sold_on,
    versions_of,
)
from storage.models import read_models
from storage.panel_files import read_card, read_frozen
from storage.runs import Run, run_of
from storage.store import open_store

SAME = 1e-9  # of the published number; the same functions over the same values
_RUN_FIELDS = Run.__dataclass_fields__

Told = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What the store says of the cell, before anything is computed again."""

    row: Told
    run: Run
    position: LedgerPosition | None
    panel: Panel
    panel_from: str
    files: pl.DataFrame
    versions: pl.DataFrame
    model: Told | None
    actual: float | None
    files_in_ledger: int
    interval_scale: str | None


def explain_cell(
    params: Params, paths: Paths, unique_id: str, ds: date, run_id: str | None = None
) -> Told:
    """Everything about one forecast; the newest whole table's, or that of a named run."""
    found = _found(params, paths, unique_id, ds, run_id)
    known = found.panel.up_to(found.row["origin"])
    answer = _answer(params, paths, found)
    return {
        **_published(found),
        **answer,
        "run": asdict(found.run)
        | {"same_params_as_now": found.run.params_hash == served_hash(params)},
        "model": found.model,
        "panel": _panel_told(found, known),
        "files": found.files.to_dicts(),
        "past_days": comparable_days(known, unique_id, ds).to_dicts(),
        "flags": flags_of(
            known,
            unique_id,
            ds,
            found.row["origin"],
            found.versions,
            params.features.max_stockout_share,
        ),
    }


def _found(params: Params, paths: Paths, unique_id: str, ds: date, run_id: str | None) -> Found:
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        row = _chosen(cell_runs(con, unique_id, ds), unique_id, ds, run_id)
        run = run_of({name: row[name] for name in _RUN_FIELDS})
        position = read_until(con, run)
        until = position.batch_id if position else 0
        is_frozen = _is_frozen_here(paths, run)
        as_read = None if is_frozen else panel_as_read(con, until, run.as_of, run.panel_hash or "")
        models = (
            read_models(con)
            .filter(pl.col("model_id").eq_missing(run.model_id))
            .drop("card")
            .to_dicts()
        )
        files, versions = batches_of_series(con, unique_id, until), versions_of(con, unique_id)
        stretched = (
            newest_interval_scale(con, run.model_id, run.as_of or run.started_at)
            if run.model_id
            else None
        )
        actual = sold_on(con, unique_id, ds)
        ledger = read_batches(con).filter(pl.col("batch_id") <= until, status="accepted")
    # outside: a reader of the store keeps its writer waiting
    panel = as_read or read_frozen(paths.panel)
    panel_from = "the frozen panel" if is_frozen else f"the store up to batch {until}"
    model, files_in_ledger = next(iter(models), None), ledger["sha256"].n_unique()
    return Found(
        row,
        run,
        position,
        panel,
        panel_from,
        files,
        versions,
        model,
        actual,
        files_in_ledger,
        stretched.detail if stretched else None,
    )


def _chosen(rows: pl.DataFrame, unique_id: str, ds: date, run_id: str | None) -> Told:
    """The row asked for; BadUsage with what there is instead."""
    wanted = rows if run_id is None else rows.filter(pl.col("run_id").str.starts_with(run_id))
    if wanted.height:
        return wanted.row(0, named=True)
    if rows.height:
        raise BadUsage(
            f"run '{run_id}' has no row for '{unique_id}' on {ds}; these have: {rows['run_id'].to_list()[:5]}."
        )
    raise BadUsage(
        f"no run forecast '{unique_id}' on {ds}. Tables `forecasts` and `series` say which days and series there are."
    )


def _is_frozen_here(paths: Paths, run: Run) -> bool:
    """Whether the panel in data/panel is the very one the run read."""
    return (
        paths.panel.joinpath("panel.json").exists()
        and read_card(paths.panel)["hash"] == run.panel_hash
    )


def _published(found: Found) -> Told:
    row = found.row
    words = ("unique_id", "ds", "origin", "h", "y_hat", "method", "reason")
    return {
        **{name: row[name] for name in words},
        "reason_in_words": REASONS.get(row["reason"] or ""),
        "quantiles": {name: row[name] for name in QUANTILES},
        "actual": found.actual,
    }


def _answer(params: Params, paths: Paths, found: Found) -> Told:
    """The number made again from what the run had read; `accounted`: it is the published one."""
    row = found.row
    is_models = found.model is not None and row["method"] == found.model["kind"]
    try:
        told = _by_model(paths, found) if is_models else _by_ladder(params, found)
    # an older code's bundle: where the number comes from can still be told
    except ModelBroken as broken:
        told = {"steps": [], "features": [], "not_made_again": str(broken)}
    last = told["steps"][-1][1] if told["steps"] else None
    is_same = last is not None and abs(last - row["y_hat"]) <= SAME * max(1.0, abs(row["y_hat"]))
    return {
        **told,
        "accounted": is_same,
        "difference": None if last is None else last - row["y_hat"],
    }


def _by_model(paths: Paths, found: Found) -> Told:
    row = found.row
    model = load_bundle(paths.registry / found.run.model_id)
    made = explain(model, found.panel, row["origin"], row["horizon"], row["unique_id"], row["ds"])
    champion = with_interval_scale(
        champion_in_registry(paths.registry, found.run.model_id, paths.backtest),
        found.interval_scale,
    )
    ratios = interval_steps(
        champion.calibrations[row["method"]], SERIES_LEVEL, row["y_hat"], row["h"]
    )
    return {
        "steps": made.steps,
        "last_known": made.last_known,
        "days_ahead": made.days_ahead,
        "block": made.block,
        "raw_score": made.raw_score,
        "features": [
            {"feature": BASE, "value": None, "contribution": made.base},
            *made.features.to_dicts(),
        ],
        "contributions_sum": made.base + made.features["contribution"].sum(),
        "interval_scale": found.interval_scale,
        "quantile_ratios": dict(zip(QUANTILES, ratios.tolist(), strict=True)),
        "quantiles_agree": _agree(made, row, ratios),
    }


def _agree(made: Explanation, row: Told, ratios: Any) -> bool | None:
    """Whether ratio times mean is what was published as quantiles; None where the mean is zero."""
    if not made.y_hat:
        return None
    published = [row[name] for name in QUANTILES]
    return all(
        abs(ratio * row["y_hat"] - q) <= 1e-9 * max(1.0, q)
        for ratio, q in zip(ratios, published, strict=True)
    )


def _by_ladder(params: Params, found: Found) -> Told:
    """A row the champion did not make: what the rung below it says, made again; nothing where an
    older table was repeated.
    """
    row, known = found.row, found.panel.up_to(found.row["origin"])
    if row["method"] == LAST_FORECAST:
        return {
            "steps": [],
            "features": [],
            "not_made_again": "it repeats the last published table",
        }
    baseline = baseline_of(params)
    naive = baseline.forecast(known, row["origin"], row["horizon"])
    nobody = no_forecast(naive, "", row["reason"] or "no_model")
    rung = complete(nobody, naive, known, params.inference, demand_rules(params))
    mine = rung.filter(unique_id=row["unique_id"], ds=row["ds"]).row(0, named=True)
    return {"steps": [(f"the rung {mine['method']}", mine["y_hat"])], "features": []}


def _panel_told(found: Found, known: Panel) -> Told:
    position = found.position
    return {
        "hash": found.run.panel_hash,
        "read_from": found.panel_from,
        "is_proved": found.panel_from == "the frozen panel" or bool(position and position.is_exact),
        "last_batch": position.batch_id if position else None,
        "files": found.files_in_ledger,
        "first_day": known.first_day,
        "last_day": known.last_day,
    }
