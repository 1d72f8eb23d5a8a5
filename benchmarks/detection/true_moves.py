"""What stood behind an alert on a clean hard chain, by the simulator's own record: a level that
broke, a store that was shut, or neither.

The hard world has no drift injected, and is not without drift: a store's department breaks once in
a year and a half. An alert within four weeks of a break that moved its group is no false alarm.
Chance puts alerts there, too: `of_days` says how many of the groups' watched days lie so.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params import SimulatorParams
from monitoring.signal import WHOLE, group_of
from sources.simulator.demand import Chain, chain_of, demand_blocks
from sources.simulator.simulation import simulate
from sources.simulator.world import DEPARTMENTS

AFTER_DAYS = 28  # so long after a break or a closure an alert is put down to it
LEAST_STEP = 0.05  # log; five days' drifts at once are less, so a larger step of a day is a break
CATEGORY_OF = [department.rsplit("_", 1)[0] for department in DEPARTMENTS]
LEAST_SHARE = 0.05  # of a group's units that a break adds or takes, or that are of shut stores
GROUP = re.compile(r"(?:store|dept|cat)_id:.*")
KINDS, NEITHER = ("break", "shut"), "neither"


@dataclass(frozen=True)
class Record:
    """Group -> kind -> (days,) whether it happened to the group within AFTER_DAYS before; the days
    of its breaks.
    """

    first: date
    groups: dict[str, dict[str, np.ndarray]]
    breaks: dict[str, list[date]]

    def behind(self, day: date, cause: str) -> str:
        """What happened to the group that a cause names: `break` before `shut`; else `neither`."""
        happened = self.groups[group_named(cause)]
        at = (day - self.first).days
        return next((kind for kind in KINDS if happened[kind][at]), NEITHER)


def record_of(params: SimulatorParams) -> Record:
    """The record of a hard chain, for the whole, each store and each department."""
    simulation = simulate(params)
    chain = chain_of(simulation.world, simulation.plan)
    if chain.moves is None:
        raise ValueError("the calm world has no breaks; there is nothing to put alerts down to")
    steps = np.diff(chain.moves.level, axis=-1, prepend=chain.moves.level[..., :1])
    gained = np.expm1(np.where(np.abs(steps) > LEAST_STEP, steps, 0.0))
    is_shut = ~chain.openings.is_open & chain.openings.is_open.any(axis=0)
    units = _units(chain)
    groups, breaks = {}, {}
    for name, chosen in _members(chain).items():
        share = units * chosen[..., None]
        share = share / share.sum(axis=(0, 1))
        broke = np.abs((share * gained).sum(axis=(0, 1))) >= LEAST_SHARE
        shut = (share * is_shut[:, None]).sum(axis=(0, 1)) >= LEAST_SHARE
        groups[name] = {"break": _lately(broke), "shut": _lately(shut)}
        breaks[name] = [params.start + timedelta(days=int(day)) for day in np.flatnonzero(broke)]
    return Record(params.start, groups, breaks)


def group_named(cause: str) -> str:
    """The group at the end of a cause, WHOLE where there is none: `store_id:CA_1` of
    `drift:demand:store_id:CA_1`."""
    found = GROUP.search(cause)
    return found.group() if found else WHOLE


def put_down(record: Record, alerts: dict[str, list[list[str]]], days: list[date]) -> Result:
    """By signal the alerts by what stood behind them; the share of the groups' watched days that
    had it behind them; and the breaks, with those whose own group raised an alert within
    AFTER_DAYS.
    """
    counts = {
        name: Counter(record.behind(date.fromisoformat(day), cause) for day, cause in raised)
        for name, raised in alerts.items()
    }
    watched = slice((days[0] - record.first).days, (days[-1] - record.first).days + 1)
    shares = {
        kind: round(float(np.mean([one[kind][watched] for one in record.groups.values()])), 3)
        for kind in KINDS
    }
    return {
        "alerts": {name: dict(count) for name, count in counts.items()},
        "of_days": shares,
        "breaks": _followed(record, alerts, days),
    }


def summed(parts: list[Result]) -> Result:
    """Of several worlds: the alerts added up, the shares of days averaged."""
    alerts: dict[str, Counter[str]] = {}
    for part in parts:
        for name, count in part["alerts"].items():
            alerts[name] = alerts.get(name, Counter()) + Counter(count)
    shares = {kind: round(_mean([part["of_days"][kind] for part in parts]), 3) for kind in KINDS}
    breaks = {what: sum(part["breaks"][what] for part in parts) for what in ("in_all", "found")}
    by_signal = {name: dict(count) for name, count in alerts.items()}
    return {"alerts": by_signal, "of_days": shares, "breaks": breaks}


def table(by_worlds: dict[str, Result]) -> str:
    """One row per set of worlds and signal: alerts in all, after a break, after a closure, after
    neither; how many of the days lie after one, and how many breaks an alert followed.
    """
    rows = []
    for worlds, one in by_worlds.items():
        whole: Counter[str] = sum(map(Counter, one["alerts"].values()), Counter())
        counts = {name: Counter(count) for name, count in one["alerts"].items() if count}
        rows += [[worlds, name, *_cells(count)] for name, count in counts.items()]
        rows.append([worlds, "**together**", *(f"**{cell}**" for cell in _cells(whole))])
        shares = [f"{one['of_days'][kind]:.0%}" for kind in KINDS]
        rows.append([worlds, "share of all days, groups' mean", "", *shares, ""])
        found = f"{one['breaks']['found']} of {one['breaks']['in_all']}"
        rows.append([worlds, "breaks found by the group's own alert", "", found, "", ""])
    head = ["alerts", "signal", "in all", "after a break", "after a closure", "after neither"]
    return markdown_table(head, rows)


def _followed(
    record: Record, alerts: dict[str, list[list[str]]], days: list[date]
) -> dict[str, int]:
    raised = [
        (group_named(cause), date.fromisoformat(day)) for by in alerts.values() for day, cause in by
    ]
    last = days[-1] - timedelta(days=AFTER_DAYS)
    broke = [(of, day) for of, of_days in record.breaks.items() for day in of_days]
    watched = [(of, day) for of, day in broke if days[0] <= day <= last]
    found = [
        any(of == group and 0 <= (on - day).days <= AFTER_DAYS for of, on in raised)
        for group, day in watched
    ]
    return {"in_all": len(watched), "found": sum(found)}


def _cells(count: Counter[str]) -> list[str]:
    return [str(number) for number in (count.total(), *(count[kind] for kind in (*KINDS, NEITHER)))]


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _units(chain: Chain) -> np.ndarray:
    """(stores, departments, 1) expected units of an open day; the mean over all."""
    world = chain.world
    units = np.zeros((len(world.state), len(DEPARTMENTS)))
    for block in demand_blocks(chain):
        chosen = slice(block.first, block.first + len(block.y))
        mean = block.expected.sum(axis=1) / np.maximum(block.is_open.sum(axis=1), 1)
        np.add.at(units, (world.store[chosen], world.dept[world.item[chosen]]), mean)
    return units[..., None]


def _members(chain: Chain) -> dict[str, np.ndarray]:
    """Group -> (stores, departments) whether it is of the group."""
    series = chain.world.series
    stores = dict(zip(chain.world.store, series["store_id"], strict=True))
    every = np.ones((len(chain.world.state), len(DEPARTMENTS)), dtype=bool)
    members = {WHOLE: every}
    for code, store in sorted(stores.items()):
        members[group_of("store_id", store)] = every & (np.arange(len(every)) == code)[:, None]
    for column, named in (("dept_id", list(DEPARTMENTS)), ("cat_id", CATEGORY_OF)):
        for name in dict.fromkeys(named):
            members[group_of(column, name)] = every & (np.array(named) == name)
    return members


def _lately(happened: np.ndarray) -> np.ndarray:
    """Whether it happened on the day or within AFTER_DAYS before."""
    since = np.cumsum(happened)
    before = np.concatenate([np.zeros(AFTER_DAYS + 1, dtype=since.dtype), since])[: len(since)]
    return since > before
