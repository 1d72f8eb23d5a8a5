"""Break it on purpose, grade what comes out: data/reports/drills.json and drills.txt. Exit 1 when a
drill is catastrophic.

run     python flows/drill.py            as a Prefect flow, no server needed
        python flows/drill.py --plain    without Prefect

reads data/panel/ and data/backtest/forecasts.parquet (after `make repro`).
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

# run by path, flows/ stands first on sys.path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contract.demand import demand_rules
from contract.errors import GateFailed, TillcastError
from contract.params import Params
from contract.params_file import load_params
from flows.command_line import run_flow
from flows.engine import ROOT, flow
from runtime.command_line import Summary
from runtime.paths import Paths
from runtime.process import clock

if TYPE_CHECKING:
    import polars as pl

    from drills.drilling import Watchers
    from drills.file_drills import Inbox
    from drills.morning_drills import Left
    from drills.scenario import Stage

log = logging.getLogger("drill")

# days of truth after which the watchers of accuracy, bias and calibration are asked
HEARD_AFTER = (1, 7, 14, 28)


def drill_all(params: Path, data: Path, now: datetime) -> Summary:
    """Every drill in a scratch folder; the store, the registry and the panel are only read.
    GateFailed: a catastrophe without a named reason; the scorecard is written all the same.
    """
    from drills.catalogue import NAMED, unexcused
    from reports.tables import drills_table

    known, since = load_params(params), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        results, mornings = _drilled(known, Paths(data), Path(folder), now)
    counts = {
        grade: sum(r["grade"] == grade for r in results)
        for grade in ("graceful", "degraded", "catastrophic")
    }
    told = {"counts": counts, "named": NAMED, "clean_mornings": mornings, "drills": results}
    told |= {"seconds": round(time.perf_counter() - since)}
    reports = Paths(data).reports
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "drills.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    table = drills_table(results)
    (reports / "drills.txt").write_text(table + "\n", encoding="utf-8")
    if worst := unexcused(results):
        raise GateFailed(
            f"{len(worst)} drills are catastrophic without a named reason: {worst}. See {reports}/drills.txt."
        )
    false_alarms = sum(len(morning["rang"]) for morning in mornings)
    alarms = f"{false_alarms} on {len(mornings)} undisturbed mornings"
    return {
        "drills": table,
        **counts,
        "false_alarms": alarms,
        "written": str(reports / "drills.json"),
    }


def _drilled(
    params: Params, paths: Paths, scratch: Path, now: datetime
) -> tuple[list[dict[str, Any]], list[dict]]:
    """All results, and the undisturbed mornings."""
    import polars as pl

    from drills.drilling import bundle_drills, clean_mornings, panel_drills
    from drills.file_drills import file_drills
    from drills.morning_drills import morning_drills
    from drills.scenario import outcome_of, publish, set_stage
    from drills.small_world import small_world
    from storage.panel_files import read_frozen

    panel, drills = read_frozen(paths.panel), params.drills
    stage = set_stage(panel, pl.read_parquet(paths.backtest / "forecasts.parquet"), scratch, params)
    clean, watchers = (
        outcome_of(stage, publish(stage, stage.known, stage.registry)),
        _watchers(stage, params),
    )
    mornings = clean_mornings(stage, watchers)
    inbox = _inbox(params, Paths(scratch / "data"), now)
    (scratch / "mornings").mkdir()
    drilled = chain(
        panel_drills(stage, drills, clean, watchers),
        bundle_drills(stage, drills, clean, scratch, watchers),
        file_drills(panel, drills, scratch / "files", inbox),
        morning_drills(small_world(ROOT, scratch / "world"), scratch / "mornings", _look),
    )
    return [_told(result) for result in drilled], mornings


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """A drill's result, said in the log: minutes without a word look like a hang."""
    words = ("fault", "strength", "outcome", "loss", "grade")
    log.info("drilled %s", " ".join(f"{word}={result[word]}" for word in words))
    return result


def _watchers(stage: Stage, params: Params) -> Watchers:
    """The watchers of monitoring/ as the drills ask them."""
    from drills.drilling import Watchers
    from monitoring.arrivals import NOTE_SENTENCES
    from monitoring.model_age import model_age
    from monitoring.watch import causes_before_truth

    def this_morning(panel: Any, table: pl.DataFrame) -> list[str]:
        morning = datetime.combine(table["origin"][0] + timedelta(days=1), datetime.min.time())
        return causes_before_truth(panel, table, morning, params.monitor, params.source.region)

    def age(cutoff: date, last_day: date) -> list[str]:
        found = model_age(cutoff, last_day, params.monitor.max_model_age_days)
        return [] if found.severity == "ok" else [found.cause]

    return Watchers(
        this_morning,
        lambda table: _heard_later(stage, table, params),
        age,
        frozenset(NOTE_SENTENCES),
    )


def _heard_later(stage: Stage, table: pl.DataFrame, params: Params) -> list[str]:
    """What accuracy's watchers say of a table on the first of some days on which one of them rings."""
    from forecasting.actuals import with_actuals
    from monitoring.accuracy import bias
    from monitoring.calibration import calibration

    limits = params.monitor
    for days in HEARD_AFTER:
        came = stage.panel.up_to(table["origin"][0] + timedelta(days=days))
        told = with_actuals(table, came, demand_rules(params))
        findings = [
            *bias(told, stage.panel.series, limits.max_abs_bias),
            *calibration(told, limits.max_coverage_gap),
        ]
        if rings := [finding.cause for finding in findings if finding.severity != "ok"]:
            return [f"after {days} days: {cause}" for cause in rings]
    return []


def _inbox(params: Params, paths: Paths, now: datetime) -> Inbox:
    """The ingest door over an inbox and a store of the drill's own, in the contract's file format."""
    import ingest
    from drills.file_drills import Inbox
    from storage.panel import read_panel
    from storage.store import open_store

    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1})
    own = params.model_copy(update={"source": source, "ingest": rules})
    paths.inbox.mkdir(parents=True, exist_ok=True)

    def deliver(path: Path) -> Summary:
        shutil.copy(path, paths.inbox)
        return ingest.ingest(own, paths, now=now)

    def held() -> pl.DataFrame:
        with open_store(paths.store, read_only=True) as con:
            return read_panel(con).sales

    return Inbox(deliver, held)


def _look(data: Path) -> Left | None:
    """What stands in a small world's store and laboratory; None when the store cannot be read, or
    holds no table.
    """
    import hashlib

    from drills.morning_drills import Left
    from storage.forecasts import latest_forecasts
    from storage.panel import read_panel
    from storage.store import open_store

    paths = Paths(data)
    laboratory = paths.forecasts / "forecasts.parquet"
    content = laboratory.read_bytes() if laboratory.exists() else b""
    if not paths.store.exists():
        return None
    try:
        with open_store(paths.store, read_only=True) as con:
            table, sales = (
                latest_forecasts(con),
                read_panel(con).sales.select("unique_id", "ds", "y"),
            )
    except TillcastError:
        return None
    rows = table.drop("run_id", "created_at")
    said = frozenset(table["reason"].drop_nulls().unique())
    if table.is_empty():
        return None
    return Left(_hash(rows), _hash(sales), hashlib.sha256(content).hexdigest(), said)


def _hash(frame: pl.DataFrame) -> str:
    import hashlib

    return hashlib.sha256(frame.write_csv().encode()).hexdigest()


@flow(name="drill", timeout_seconds=2 * 3600)
def drill(
    params: Path = Path("params.yaml"), data: Path = Path("data"), now: datetime | None = None
) -> Summary:
    """As drill_all."""
    return drill_all(params, data, now or clock())


if __name__ == "__main__":
    sys.exit(run_flow(__doc__, drill, drill_all))
