"""One forecast number, back to where it comes from: run, model, params, panel, files, feature
values, every step, comparable days.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from contract.demand import demand_rules
from contract.errors import BadUsage, ModelBroken
from contract.hashes import served_hash
from contract.names import labels
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import QUANTILES
from features.opening import closed_ahead
from forecasting.bundle import load_bundle
from forecasting.champion import CALIBRATION, champion_in_registry, serving_meanwhile
from forecasting.explain import (
    BASE,
    Explanation,
    Step,
    explain,
    interval_steps,
    opens_on,
    with_open_share,
)
from forecasting.fallback import (
    LAST_FORECAST,
    LAUNCH,
    LOWER_RUNGS,
    NO_CHAMPION,
    REASONS,
    complete,
    no_forecast,
)
from forecasting.forecaster import BASELINE
from forecasting.launches import launches
from forecasting.publication import trim_to_last_sale
from forecasting.recalibration import with_interval_scale
from forecasting.seasonal_naive import baseline_of
from queries.comparable_days import comparable_days, flags_of
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.batches import read_batches
from storage.decisions import interval_scale_of
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
from storage.series import read_names
from storage.store import Connection, open_store
from storage.thinned import refuse_any, thinned_tables

SAME = 1e-9  # of the published number; the same functions over the same values
_RUN_FIELDS = Run.__dataclass_fields__

Row = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One forecast number as the store holds it, before anything is computed again."""

    row: Row
    run: Run
    position: LedgerPosition | None
    panel: Panel
    panel_from: str
    files: pl.DataFrame
    versions: pl.DataFrame
    model: Row | None
    actual: float | None
    files_in_ledger: int
    interval_scale: str | None
    called: str | None
    thinned_since: int  # whole tables from later origins that held the day and were thinned by age


def explain_cell(
    params: Params, paths: Paths, unique_id: str, ds: date, run_id: str | None = None
) -> Summary:
    """Everything about one forecast; the newest whole table's, or that of a named run."""
    cell = _cell(params, paths, unique_id, ds, run_id)
    origin, most = cell.row["origin"], params.features.max_stockout_share
    known = cell.panel.up_to(origin)
    same = {"same_params_as_now": cell.run.params_hash == served_hash(params)}
    return {
        **_published(cell),
        **_made_again(params, paths, cell),
        "run": asdict(cell.run) | same,
        "model": cell.model,
        "panel": _panel(cell, known),
        "files": cell.files.to_dicts(),
        "past_days": comparable_days(known, unique_id, ds).to_dicts(),
        "flags": flags_of(known, unique_id, ds, origin, cell.versions, most),
    }


def _cell(params: Params, paths: Paths, unique_id: str, ds: date, run_id: str | None) -> Cell:
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        thinned = thinned_tables(con, ds)
        row = _chosen(cell_runs(con, unique_id, ds), thinned, unique_id, ds, run_id)
        run = run_of({name: row[name] for name in _RUN_FIELDS})
        position = read_until(con, run)
        until = position.batch_id if position else 0
        is_frozen = _is_frozen_here(paths, run)
        as_read = None if is_frozen else panel_as_read(con, until, run.as_of, run.panel_hash or "")
        model = _model(con, run.model_id)
        files, versions = batches_of_series(con, unique_id, until), versions_of(con, unique_id)
        called = labels(read_names(con).filter(unique_id=unique_id)).get(unique_id)
        interval_scale = interval_scale_of(con, run)
        actual = sold_on(con, unique_id, ds)
        ledger = read_batches(con).filter(pl.col("batch_id") <= until, status="accepted")
    # outside: a reader of the store keeps its writer waiting
    panel = as_read or read_frozen(paths.panel)
    panel_from = "the frozen panel" if is_frozen else f"the store up to batch {until}"
    return Cell(
        row,
        run,
        position,
        panel,
        panel_from,
        files,
        versions,
        model,
        actual,
        ledger["sha256"].n_unique(),
        interval_scale,
        called,
        thinned.filter(pl.col("status") == "done", pl.col("day") > row["origin"]).height,
    )


def _model(con: Connection, model_id: str | None) -> Row | None:
    models = read_models(con).filter(pl.col("model_id").eq_missing(model_id)).drop("card")
    return next(iter(models.to_dicts()), None)


def _chosen(
    rows: pl.DataFrame, thinned: pl.DataFrame, unique_id: str, ds: date, run_id: str | None
) -> Row:
    """The newest row, or that of the run; ThinnedByAge where it went by age, BadUsage with what
    there is instead.
    """
    is_wanted = pl.col("run_id").str.starts_with(run_id or "")
    wanted = rows.filter(is_wanted)
    if wanted.height:
        return wanted.row(0, named=True)
    refuse_any(thinned.filter(is_wanted))
    if rows.height:
        raise BadUsage(
            f"run '{run_id}' has no row for '{unique_id}' on {ds}; these have: "
            f"{rows['run_id'].to_list()[:5]}."
        )
    raise BadUsage(
        f"no run forecast '{unique_id}' on {ds}. Tables `forecasts` and `series` say which days "
        "and series there are."
    )


def _is_frozen_here(paths: Paths, run: Run) -> bool:
    """Whether the panel in data/panel is the very one the run read."""
    return (
        paths.panel.joinpath("panel.json").exists()
        and read_card(paths.panel)["hash"] == run.panel_hash
    )


def _published(cell: Cell) -> Summary:
    row = cell.row
    fields = ("unique_id", "ds", "origin", "h", "y_hat", "method", "reason")
    return {
        **{name: row[name] for name in fields},
        "called": cell.called,
        "thinned_since": cell.thinned_since,
        "reason_in_words": REASONS.get(row["reason"] or ""),
        "quantiles": {name: row[name] for name in QUANTILES},
        "actual": cell.actual,
    }


def _made_again(params: Params, paths: Paths, cell: Cell) -> Summary:
    """The number made again from what the run had read; `accounted`: it is the published one."""
    row = cell.row
    try:
        again = _by_its_maker(params, paths, cell)
    # an older code's bundle: where the number comes from is still known
    except ModelBroken as broken:
        again = {"steps": [], "features": [], "not_made_again": str(broken)}
    last = again["steps"][-1][1] if again["steps"] else None
    is_same = last is not None and abs(last - row["y_hat"]) <= SAME * max(1.0, abs(row["y_hat"]))
    return {
        **again,
        "accounted": is_same,
        "difference": None if last is None else last - row["y_hat"],
    }


def _by_its_maker(params: Params, paths: Paths, cell: Cell) -> Summary:
    """By the run's model, by the simple forecaster that served before any, or by the ladder."""
    row = cell.row
    if cell.model is not None and row["method"] == cell.model["kind"]:
        return _by_model(paths, cell)
    if row["reason"] == NO_CHAMPION and row["method"] not in (BASELINE, *LOWER_RUNGS):
        return _by_simple(paths, cell)
    return _by_ladder(params, cell)


def _by_model(paths: Paths, cell: Cell) -> Summary:
    row = cell.row
    model = load_bundle(paths.registry / cell.run.model_id)
    explanation = explain(
        model, cell.panel, row["origin"], row["horizon"], row["unique_id"], row["ds"]
    )
    champion = with_interval_scale(
        champion_in_registry(paths.registry, cell.run.model_id, paths.backtest),
        cell.interval_scale,
    )
    ratios = interval_steps(
        champion.calibrations[row["method"]],
        row["y_hat"],
        row["h"],
        explanation.dispersion,
        explanation.open_share,
    )
    return {
        "steps": explanation.steps,
        "last_known": explanation.last_known,
        "days_ahead": explanation.days_ahead,
        "block": explanation.block,
        "raw_score": explanation.raw_score,
        "features": [
            {"feature": BASE, "value": None, "contribution": explanation.base},
            *explanation.features.to_dicts(),
        ],
        "contributions_sum": explanation.base + explanation.features["contribution"].sum(),
        "interval_scale": cell.interval_scale,
        "quantile_ratios": dict(zip(QUANTILES, ratios.tolist(), strict=True)),
        "quantiles_agree": _agree(explanation, row, ratios),
    }


def _agree(made: Explanation, row: Row, ratios: np.ndarray) -> bool | None:
    """Whether ratio times mean is what was published as quantiles; None where the mean is zero."""
    if not made.y_hat:
        return None
    published = [row[name] for name in QUANTILES]
    return all(
        abs(ratio * row["y_hat"] - q) <= 1e-9 * max(1.0, q)
        for ratio, q in zip(ratios, published, strict=True)
    )


def _by_simple(paths: Paths, cell: Cell) -> Summary:
    """A row of the simple forecaster that served while no model had passed the gate."""
    row, bundle = cell.row, paths.registry / str(cell.run.model_id)
    served = serving_meanwhile(row["method"], bundle, bundle / CALIBRATION, "no champion")
    if served.model is None:
        raise ModelBroken(str(served.why_none))
    known = trim_to_last_sale(cell.panel.up_to(row["origin"]))
    rows = served.model.forecast(known, row["origin"], row["horizon"])
    y_hat = rows.filter(unique_id=row["unique_id"], ds=row["ds"])["y_hat"].item()
    return {"steps": _of_the_day(known, row, (served.model.name, y_hat)), "features": []}


def _by_ladder(params: Params, cell: Cell) -> Summary:
    """A row the champion did not make: the forecast of the rung below it, made again; nothing where
    an older table was repeated.
    """
    row, known = cell.row, cell.panel.up_to(cell.row["origin"])
    if row["method"] == LAST_FORECAST:
        return {
            "steps": [],
            "features": [],
            "not_made_again": "it repeats the last published table",
        }
    if row["reason"] == LAUNCH:
        return {"steps": _of_a_launch(params, known, row), "features": []}
    baseline = baseline_of(params)
    naive = baseline.forecast(known, row["origin"], row["horizon"])
    nobody = no_forecast(naive, "", row["reason"] or "no_model")
    rung = complete(nobody, naive, known, params.inference, demand_rules(params))
    mine = rung.filter(unique_id=row["unique_id"], ds=row["ds"]).row(0, named=True)
    steps = _of_the_day(known, row, (f"the rung {mine['method']}", mine["y_hat"]))
    return {"steps": steps, "features": []}


def _of_a_launch(params: Params, known: Panel, row: Row) -> list[Step]:
    """The factors of an announced series' mean."""
    known, rules, horizon = trim_to_last_sale(known), demand_rules(params), row["horizon"]
    found = launches(known, row["origin"] + timedelta(days=horizon), rules)
    if found is None or row["unique_id"] not in found.announced["unique_id"]:
        raise ModelBroken("it is announced by nothing the run had read: other code made this row.")
    steps = found.steps(row["unique_id"], row["ds"])
    at = known.series["unique_id"].index_of(row["unique_id"])
    if closed_ahead(known, row["origin"], horizon, rules.region)[at, row["h"] - 1]:
        return [*steps, ("closed on this day", 0.0)]
    return with_open_share(steps, opens_on(known, row["origin"], row["unique_id"], row["ds"]))


def _of_the_day(known: Panel, row: Row, made: Step) -> list[Step]:
    """What was made, and what is expected of a day on which the store may not open."""
    return with_open_share([made], opens_on(known, row["origin"], row["unique_id"], row["ds"]))


def _panel(cell: Cell, known: Panel) -> Summary:
    position = cell.position
    return {
        "hash": cell.run.panel_hash,
        "read_from": cell.panel_from,
        "is_proved": cell.panel_from == "the frozen panel" or bool(position and position.is_exact),
        "last_batch": position.batch_id if position else None,
        "files": cell.files_in_ledger,
        "first_day": known.first_day,
        "last_day": known.last_day,
    }
