"""Faults of covariates: found how often and after how many days, and how often a clean covariate is
alerting.

Chains of the simulator with invented weather, campaigns and visitors; and Rossmann's own three
covariates. A fault enters on a day; of what is known ahead it is readable PLANNED_DAYS earlier, and
days are counted from then. Found: alerting within four weeks, and not on that day without the
fault.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.detection.covariate_chains import Chain, invented, rossmann
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.replay import kind_of
from benchmarks.harness.results import Result
from benchmarks.harness.watching import Alerting, Limits, alerts_of_signals, raised
from benchmarks.render.markdown import markdown_table
from contract.days import days_between
from contract.demand import demand_rules
from contract.panel import Panel
from monitoring.covariates import PLANNED_DAYS, QUESTIONS, covariate_signals
from monitoring.cusum import QUARTER_DAYS
from monitoring.what_arrived import arrived

SEEDS = (
    31,
    32,
    33,
    34,
)  # the constants of monitoring.distributions were chosen on Rossmann with other weather
FOUND_DAYS, FAULTS_A_WORLD = 28, 3
V = pl.col("value")


@dataclass(frozen=True)
class Fault:
    """What comes instead of a covariate's values from a day on, for a share of the stores; null:
    nothing comes.
    """

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


def measure(context: Context) -> Result:
    """Every chain, its clean days and its faults; those of another world are kept."""
    simulated = f"{kind_of('sim')}, invented covariates"
    chains = {simulated: [invented(seed) for seed in SEEDS]}
    if files := context.options.rossmann:
        chains["Rossmann"] = [rossmann(files.resolve())]
    of_chains = {
        name: {"clean": _clean(same), "faults": _faults(same)} for name, same in chains.items()
    }
    before = context.before().get("chains", {})
    others = {name: one for name, one in before.items() if name not in of_chains}
    return {"chains": of_chains | others}


def table(result: Result) -> str:
    """For each kind of chain: clean alarms by covariate and question; then one row per fault."""
    parts = []
    for chains, one in result["chains"].items():
        parts += [_clean_table(chains, one["clean"]), _faults_table(one["faults"])]
    return "\n\n".join(parts)


def _clean_table(chains: str, clean: Result) -> str:
    rates: dict[str, list[str]] = {}
    for cause, rate in clean["per_quarter"].items():
        rates.setdefault(cause.split(":")[2], []).append(f"{rate:.2f}")
    head = [f"{chains}: false alarms per quarter, of {clean['quarters']:.0f}", *QUESTIONS]
    return markdown_table(head, [[name, *of_name] for name, of_name in rates.items()])


def _faults_table(faults: list[Result]) -> str:
    rows = []
    for row in faults:
        found = "-" if row["day"] is None else f"{row['found']:.0%}, day {row['day']:.0f}"
        rows.append([row["covariate"], row["what"], str(row["runs"]), found])
    return markdown_table(["covariate", "what comes instead", "runs", "found"], rows)


def _clean(chains: list[Chain]) -> Result:
    """Alerts raised a quarter without any fault, by covariate and question."""
    quarters = 0.0
    alerts: Counter[str] = Counter()
    for chain in chains:
        days = days_between(chain.watched_from, chain.panel.last_day)
        quarters += len(days) / QUARTER_DAYS
        names = [*chain.known_future, *chain.past_only]
        for name, by_day in _alerting(chain, chain.panel, names, days, Limits()).items():
            alerts[name] += len(raised(by_day))
    rates = {name: round(n / quarters, 2) for name, n in alerts.items()}
    return {"quarters": round(quarters, 1), "per_quarter": rates}


def _faults(chains: list[Chain]) -> list[Result]:
    rows = []
    for fault in FAULTS:
        delays = [delay for chain in chains for delay in _delays(chain, fault)]
        known = [delay for delay in delays if delay is not None]
        if delays:
            day = statistics.median(known) if known else None
            found = {"runs": len(delays), "found": round(len(known) / len(delays), 2), "day": day}
            rows.append({"covariate": fault.covariate, "what": fault.what, **found})
    return rows


def _delays(chain: Chain, fault: Fault) -> list[int | None]:
    """For each start the days until the fault was found; nothing for a chain without that
    covariate.
    """
    if fault.covariate not in (*chain.known_future, *chain.past_only):
        return []
    span = (chain.panel.last_day - chain.watched_from).days - 2 * FOUND_DAYS
    after = [FOUND_DAYS + span * k // FAULTS_A_WORLD for k in range(FAULTS_A_WORLD)]
    return [_delay(chain, fault, chain.watched_from + timedelta(days=days)) for days in after]


def _delay(chain: Chain, fault: Fault, start: date) -> int | None:
    is_planned = fault.covariate in chain.known_future
    readable = start - timedelta(days=PLANNED_DAYS if is_planned else 0)
    days = [readable + timedelta(days=k) for k in range(FOUND_DAYS)]
    limits, names = Limits(), [fault.covariate]
    clean, faulty = (
        _causes(_alerting(chain, panel, names, days, limits))
        for panel in (chain.panel, _with_fault(chain.panel, fault, start))
    )
    new = [causes - undisturbed for causes, undisturbed in zip(faulty, clean, strict=True)]
    return next((k + 1 for k, causes in enumerate(new) if causes), None)


def _alerting(
    chain: Chain, panel: Panel, names: list[str], days: list[date], limits: Limits
) -> Alerting:
    """The causes of each day by signal."""
    params, whole = chain.params, (panel.last_day - panel.first_day).days
    seen = arrived(panel, whole, demand_rules(params))
    ahead = [name for name in chain.known_future if name in names]
    past = [name for name in chain.past_only if name in names]
    signals = covariate_signals(seen, panel, ahead, past)
    return alerts_of_signals(signals, days, params.monitor, limits)


def _causes(alerting: Alerting) -> list[set[str]]:
    """Everything alerting, by day."""
    return [set().union(*causes) for causes in zip(*alerting.values(), strict=True)]


def _with_fault(panel: Panel, fault: Fault, start: date) -> Panel:
    stores = panel.series["store_id"].unique().sort()
    hit = stores.gather_every(round(1 / fault.share))
    ids = panel.series.filter(pl.col("store_id").is_in(hit.implode()))["unique_id"]
    is_hit = (
        (pl.col("name") == fault.covariate)
        & (pl.col("ds") >= start)
        & pl.col("unique_id").is_in(ids.implode())
    )
    changed = panel.covariates.with_columns(
        value=pl.when(is_hit).then(fault.value).otherwise("value")
    )
    return replace(panel, covariates=changed.drop_nulls("value"))


BENCHMARK = Benchmark(
    question="Which faults of covariates are found how soon; how often is a clean one alerting?",
    needs="nothing, or Rossmann's files as well; four minutes",
    measure=measure,
    options=(Option("rossmann", "folder of Rossmann's files", kind=Path),),
    table=table,
)
