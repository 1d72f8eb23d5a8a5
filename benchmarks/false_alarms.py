"""False alarms per quarter of every watcher, on clean histories: by fixed limits, by plain two-sample tests, by signals.

Each family of a world is counted once and kept beside its tables; --again counts anew.

run     python -m benchmarks.replay sim:11 sim:12 sim:21 sim:22            once: a minute and a half a world
        python -m benchmarks.false_alarms sim:11 sim:12 -- sim:21 sim:22   tuned on the first, held out after --
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

from benchmarks.measured import ROOT
from benchmarks.replay import World, walk, world_of
from benchmarks.watching import (
    Limits,
    Rung,
    raised,
    rung_by_fixed_limits,
    rung_by_plain_tests,
    rung_by_signals,
    rung_by_todays_table,
    signals_over,
)
from contract.days import days_between
from monitoring.cusum import QUARTER_DAYS

Alarms = dict[str, list[list[str]]]  # watcher -> (day, cause) of every alert raised

RESULTS = ROOT / "benchmarks" / "results" / "false_alarms.json"


def main() -> None:
    """Walk what is not walked yet, watch, count, keep."""
    again = "--again" in sys.argv
    names = [name for name in sys.argv[1:] if name != "--again"]
    split = names.index("--") if "--" in names else len(names)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for part, worlds in (("tuned", names[:split]), ("held out", names[split + 1 :])):
        if worlds:
            results[f"{kind_of(worlds[0])}, {part}"] = summed([counted(world_of(name), again) for name in worlds])
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def counted(world: World, again: bool) -> dict[str, Any]:
    """Days watched, and for each family and watcher the alerts raised, as (day, cause)."""
    walk(world)
    days = days_between(world.first_watched, world.panel.last_day)
    alarms = {family: _kept(world, family, rung, days, again) for family, rung in FAMILIES.items()}
    return {"name": world.folder.name, "days": len(days), "alarms": alarms}


def _by_signals(world: World, days: list[date]) -> Rung:
    return rung_by_signals(signals_over(world, world.panel, world.tables), days, world.params.monitor, Limits({}))


def _by_fixed_limits(world: World, days: list[date]) -> Rung:
    return rung_by_fixed_limits(world, world.panel, world.tables, days)


def _by_plain_tests(world: World, days: list[date]) -> Rung:
    return rung_by_plain_tests(world, world.panel, days)


def _by_todays_table(world: World, days: list[date]) -> Rung:
    return rung_by_todays_table(world, world.panel, world.tables, days)


FAMILIES = {
    "signals": _by_signals,
    "newest table": _by_todays_table,
    "fixed limits": _by_fixed_limits,
    "plain tests": _by_plain_tests,
}


def _kept(
    world: World, family: str, rung: Callable[[World, list[date]], Rung], days: list[date], again: bool
) -> Alarms:
    path = world.folder / f"alarms_{family.replace(' ', '_')}.json"
    if again or not path.exists():
        told = {
            name: [(str(days[k]), cause) for k, cause in raised(by_day)] for name, by_day in rung(world, days).items()
        }
        path.write_text(json.dumps(told, indent=1), encoding="utf-8")
        print(world.folder.name, family, {name: len(alerts) for name, alerts in told.items()}, flush=True)
    return json.loads(path.read_text(encoding="utf-8"))


def kind_of(name: str) -> str:
    """What a world is called in tables."""
    kind, _, told = name.partition(":")
    named = {"sim": "simulator", "m5": "M5"}[kind]
    return f"{named}, booster" if told.endswith(":lightgbm") else named


def summed(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Quarters watched, and the alerts raised by family and watcher, in all and per quarter."""
    quarters = sum(count["days"] for count in counts) / QUARTER_DAYS
    alarms: dict[str, dict[str, int]] = {family: {} for family in FAMILIES}
    for count in counts:
        for family, by_name in count["alarms"].items():
            for name, told in by_name.items():
                alarms[family][name] = alarms[family].get(name, 0) + len(told)
    rates = {family: {name: round(n / quarters, 2) for name, n in by.items()} for family, by in alarms.items()}
    return {
        "worlds": [count["name"] for count in counts],
        "quarters": round(quarters, 1),
        "alarms": alarms,
        "per_quarter": rates,
    }


if __name__ == "__main__":
    main()
