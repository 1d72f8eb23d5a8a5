"""Faults of covariates: found how often and after how many days, and how often a clean covariate rings.

Chains of the simulator with invented weather, campaigns and visitors; and Rossmann's own three covariates. A fault enters on a day;
of what is known ahead it is readable PLANNED_DAYS earlier, and days are counted from then. Found: rings within four weeks, and not on
that day without the fault.

run     python -m benchmarks.covariate_drift [--data ../shared/data/rossmann]      about three minutes
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.covariate_worlds import Chain, invented, rossmann
from benchmarks.measured import keep
from benchmarks.watching import Limits, Rung, raised, rung_by_signals
from contract.days import days_between
from contract.panel import Panel
from monitoring.covariates import PLANNED_DAYS, covariate_signals
from monitoring.cusum import QUARTER_DAYS
from monitoring.input_signals import arrived
from reports.tables import text_table

SEEDS = (31, 32, 33, 34)  # the constants of monitoring.distributions were chosen on Rossmann with other weather
FOUND_DAYS, FAULTS_A_WORLD = 28, 3
V = pl.col("value")


@dataclass(frozen=True)
class Fault:
    """What comes instead of a covariate's values from a day on, for a share of the stores; null: nothing comes."""

    covariate: str
    what: str
    value: pl.Expr
    share: float = 1.0


FAULTS = [
    Fault("temperature", "in Fahrenheit", V * 1.8 + 32),
    Fault("temperature", "stands still", pl.lit(8.0)),
    Fault("temperature", "5 degrees more", V + 5),
    Fault("store_temperature", "in Fahrenheit", V * 1.8 + 32),
    Fault("store_temperature", "in Fahrenheit, one store in ten", V * 1.8 + 32, 0.1),
    Fault("store_temperature", "filled with 0", pl.lit(0.0)),
    Fault("store_temperature", "3 degrees more", V + 3),
    Fault("rain", "in inches", V / 25.4),
    Fault("rain", "filled with 0", pl.lit(0.0)),
    Fault("campaign", "filled with 0", pl.lit(0.0)),
    Fault("campaign", "1 means none", 1 - V),
    Fault("visitors", "10% more", (V * 1.1).round()),
    Fault("visitors", "twice as many", V * 2),
    Fault("visitors", "filled with 0, one store in ten", pl.lit(0.0), 0.1),
    Fault("visitors", "not there, one store in ten", pl.lit(None), 0.1),
    Fault("school_holiday", "filled with 0", pl.lit(0.0)),
    Fault("school_holiday", "1 means none", 1 - V),
    Fault("state_holiday", "another code", V + 1),
    Fault("customers", "10% more", (V * 1.1).round()),
    Fault("customers", "twice as many", V * 2),
    Fault("customers", "filled with 0, one store in ten", pl.lit(0.0), 0.1),
]


def main() -> None:
    """Every chain, its clean days and its faults; print; keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None, help="a folder with Rossmann's files")
    arguments = parser.parse_args()
    chains = {"simulator, invented covariates": [invented(seed) for seed in SEEDS]}
    chains |= {"Rossmann": [rossmann(arguments.data.resolve())]} if arguments.data else {}
    told = {name: {"clean": _clean(same), "faults": _faults(same)} for name, same in chains.items()}
    for name, one in told.items():
        print(
            text_table(
                [name, "false alarms a quarter"], [[*map(str, item)] for item in one["clean"]["per_quarter"].items()]
            )
        )
        print(
            text_table(
                ["covariate", "fault", "runs", "found", "day"], [[*map(str, row.values())] for row in one["faults"]]
            )
        )
    keep("covariate_drift", {"chains": told})


def _clean(chains: list[Chain]) -> dict[str, Any]:
    """Alerts raised a quarter without any fault, by covariate and question."""
    quarters, alerts = 0.0, {}
    for chain in chains:
        days = days_between(chain.watched_from, chain.panel.last_day)
        quarters += len(days) / QUARTER_DAYS
        for name, by_day in _rung(
            chain, chain.panel, [*chain.known_future, *chain.past_only], days, Limits({})
        ).items():
            alerts[name] = alerts.get(name, 0) + len(raised(by_day))
    return {"quarters": round(quarters, 1), "per_quarter": {name: round(n / quarters, 2) for name, n in alerts.items()}}


def _faults(chains: list[Chain]) -> list[dict[str, Any]]:
    rows = []
    for fault in FAULTS:
        delays = [delay for chain in chains for delay in _delays(chain, fault)]
        known = [delay for delay in delays if delay is not None]
        if delays:
            rate, day = round(len(known) / len(delays), 2), statistics.median(known) if known else None
            rows.append(
                {"covariate": fault.covariate, "what": fault.what, "runs": len(delays), "found": rate, "day": day}
            )
    return rows


def _delays(chain: Chain, fault: Fault) -> list[int | None]:
    """For each start the days until the fault was heard; nothing for a chain without that covariate."""
    if fault.covariate not in (*chain.known_future, *chain.past_only):
        return []
    span = (chain.panel.last_day - chain.watched_from).days - 2 * FOUND_DAYS
    starts = [
        chain.watched_from + timedelta(days=FOUND_DAYS + span * k // FAULTS_A_WORLD) for k in range(FAULTS_A_WORLD)
    ]
    return [_delay(chain, fault, start) for start in starts]


def _delay(chain: Chain, fault: Fault, start: date) -> int | None:
    readable = start - timedelta(days=PLANNED_DAYS if fault.covariate in chain.known_future else 0)
    days = [readable + timedelta(days=k) for k in range(FOUND_DAYS)]
    limits = Limits({})
    clean = _causes(_rung(chain, chain.panel, [fault.covariate], days, limits))
    faulty = _causes(_rung(chain, _with_fault(chain.panel, fault, start), [fault.covariate], days, limits))
    loud = [causes - quiet for causes, quiet in zip(faulty, clean, strict=True)]
    return next((k + 1 for k, causes in enumerate(loud) if causes), None)


def _rung(chain: Chain, panel: Panel, names: list[str], days: list[date], limits: Limits) -> Rung:
    """The causes of each day by signal."""
    seen = arrived(panel, (panel.last_day - panel.first_day).days, chain.params.ingest.absent_means_zero)
    ahead, past = ([name for name in declared if name in names] for declared in (chain.known_future, chain.past_only))
    return rung_by_signals(covariate_signals(seen, panel, ahead, past), days, chain.params.monitor, limits)


def _causes(rung: Rung) -> list[set[str]]:
    """Everything that rings, by day."""
    return [set().union(*causes) for causes in zip(*rung.values(), strict=True)]


def _with_fault(panel: Panel, fault: Fault, start: date) -> Panel:
    stores = panel.series["store_id"].unique().sort()
    hit = stores.gather_every(round(1 / fault.share))
    ids = panel.series.filter(pl.col("store_id").is_in(hit.implode()))["unique_id"]
    is_hit = (pl.col("name") == fault.covariate) & (pl.col("ds") >= start) & pl.col("unique_id").is_in(ids.implode())
    changed = panel.covariates.with_columns(value=pl.when(is_hit).then(fault.value).otherwise("value"))
    return replace(panel, covariates=changed.drop_nulls("value"))


if __name__ == "__main__":
    main()
