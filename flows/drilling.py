"""All drills, one after the other, over scratch folders; the scorecard written and judged."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import GateFailed
from contract.params_file import load_params
from flows import ROOT
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths

if TYPE_CHECKING:
    from contract.params import Params
    from drills.result import Result
    from drills.scenario import Scenario
    from drills.watchers import Watchers

log = logging.getLogger("drill")


def drill_all(params: Path, data: Path, now: datetime) -> Summary:
    """Every drill in a scratch folder; the store, the registry and the panel are only read.
    GateFailed: a catastrophe without a named reason; the scorecard is written all the same.
    """
    from drills.catalogue import unexcused
    from drills.scorecard import false_alarms, scorecard
    from reports.tables import drills_table

    since, reports = time.perf_counter(), Paths(data).reports
    with tempfile.TemporaryDirectory() as folder:
        results, mornings = _drilled(load_params(params), Paths(data), Path(folder), now)
    card = scorecard(results, mornings, time.perf_counter() - since)
    table = drills_table(results)
    write_json(reports / "drills.json", card, indent=1)
    (reports / "drills.txt").write_text(table + "\n", encoding="utf-8")
    if worst := unexcused(results):
        raise GateFailed(
            f"{len(worst)} drills are catastrophic without a named reason: {worst}. "
            f"See {reports}/drills.txt."
        )
    written = {"written": str(reports / "drills.json")}
    return {"drills": table, **card["counts"], "false_alarms": false_alarms(mornings), **written}


def _drilled(
    params: Params, paths: Paths, scratch: Path, now: datetime
) -> tuple[list[Result], list[dict[str, Any]]]:
    """All results, and the undisturbed mornings."""
    import polars as pl

    from drills.scenario import build_scenario
    from drills.watchers import clean_mornings
    from flows.drill_watchers import watchers_of
    from storage.panel_files import read_frozen

    panel = read_frozen(paths.panel)
    backtest = pl.read_parquet(paths.backtest / "forecasts.parquet", glob=False)
    scenario = build_scenario(panel, backtest, scratch, params)
    watchers = watchers_of(scenario)
    mornings = clean_mornings(scenario, watchers)
    return [_logged(result) for result in _drills(scenario, watchers, scratch, now)], mornings


def _drills(
    scenario: Scenario, watchers: Watchers, scratch: Path, now: datetime
) -> Iterator[Result]:
    """Panels, alerts, models, files, orders, mornings: in this order, each when the one before is
    done.
    """
    from drills.alert_drills import alert_drills
    from drills.drilling import Grading, bundle_drills, panel_drills
    from drills.file_drills import file_drills
    from drills.morning_drills import morning_drills
    from drills.order_drills import order_drills
    from drills.scenario import outcome_of, publish
    from drills.small_world import small_world
    from flows.drill_orders import ordering_world
    from flows.drill_store import inbox_of, read_state
    from flows.drill_watchers import look_of

    params = scenario.params
    clean = outcome_of(scenario, publish(scenario, scenario.known, scenario.registry))
    grading = Grading(scenario, params.drills, clean, watchers)
    inbox = inbox_of(params, Paths(scratch / "data"), now)
    (scratch / "mornings").mkdir()
    world = small_world(ROOT, scratch / "world")
    ordering = ordering_world(world.params, world.data, scratch)
    return chain(
        panel_drills(grading),
        alert_drills(scenario.panel, look_of(params), params.drills.seed),
        bundle_drills(grading, scratch),
        file_drills(scenario.panel, params.drills, scratch / "files", inbox),
        order_drills(*ordering, scratch / "orders"),
        morning_drills(world, scratch / "mornings", read_state),
    )


def _logged(result: Result) -> Result:
    """A drill's result, in one line of the log: minutes without a line look like a hang."""
    names = ("fault", "strength", "outcome", "loss", "grade")
    log.info("drilled %s", " ".join(f"{name}={result[name]}" for name in names))
    return result
