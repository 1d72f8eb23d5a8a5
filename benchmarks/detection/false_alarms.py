"""False alarms per quarter of every watcher, on clean histories: by fixed limits, by plain
two-sample tests, by signals.

Each family of a world is counted once and kept beside its tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

from benchmarks.detection import true_moves, true_shifts
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.replay import World, kind_of, replayed, world_of
from benchmarks.harness.results import Result
from benchmarks.harness.watching import (
    Alerting,
    Limits,
    alerts_of_fixed_limits,
    alerts_of_newest_table,
    alerts_of_plain_tests,
    alerts_of_signals,
    raised,
    signals_over,
)
from benchmarks.render.markdown import markdown_table
from contract.days import days_between
from monitoring.cusum import QUARTER_DAYS

Alarms = dict[str, list[list[str]]]  # watcher -> (day, cause) of every alert raised


def _by_signals(world: World, days: list[date]) -> Alerting:
    signals = signals_over(world, world.panel, world.tables)
    return alerts_of_signals(signals, days, world.params.monitor, Limits())


FAMILIES: dict[str, Callable[[World, list[date]], Alerting]] = {
    "signals": _by_signals,
    "newest table": lambda world, days: alerts_of_newest_table(
        world, world.panel, world.tables, days
    ),
    "fixed limits": lambda world, days: alerts_of_fixed_limits(
        world, world.panel, world.tables, days
    ),
    "plain tests": lambda world, days: alerts_of_plain_tests(world, world.panel, days),
}


def measure(context: Context) -> Result:
    """Watch, count, beside what was counted on other worlds."""
    options, counts = context.options, context.before()
    for part, names in (("tuned", options.tuned), ("held out", options.held_out)):
        if names:
            worlds = [counted(replayed(world_of(name))) for name in names]
            counts[f"{kind_of(names[0])}, {part}"] = summed(worlds)
    return dict(sorted(counts.items()))


def table(result: Result) -> str:
    """The worlds as they are today, what stood behind the alerts of hard ones, and the calm ones
    measured before.
    """
    calm = {name: one for name, one in result.items() if name.startswith("calm")}
    today = {name: one for name, one in result.items() if name not in calm}
    behind = {name: one["behind"] for name, one in today.items() if "behind" in one}
    off = {name: one["truly_off"] for name, one in today.items() if "truly_off" in one}
    tables = [
        _rates(today),
        true_moves.table(behind) if behind else "",
        true_shifts.table(off) if off else "",
        _rates(calm),
    ]
    return "\n\n".join(made for made in tables if made)


def _rates(result: Result) -> str:
    """One row per watcher, one column per set of worlds; and the sum of each family."""
    head = [f"{name}: {one['quarters']:.1f} quarters" for name, one in result.items()]
    rows = []
    for family in FAMILIES:
        by_family = [one["per_quarter"].get(family, {}) for one in result.values()]
        for watcher in sorted({watcher for rates in by_family for watcher in rates}):
            rows.append(
                [f"{family}: {watcher}", *(_rate(rates.get(watcher)) for rates in by_family)]
            )
        together = [_together(one, family) for one in result.values()]
        rows.append([f"**{family}, together**", *(f"**{rate}**" for rate in together)])
    return markdown_table(["false alarms per quarter", *head], rows)


def counted(world: World) -> Result:
    """Days watched, for each family and watcher the alerts raised, as (day, cause); and on a hard
    chain what stood behind those of the signals.
    """
    days = days_between(world.first_watched, world.panel.last_day)
    alarms = {family: _kept(world, family, days) for family in FAMILIES}
    made = {"name": world.folder.name, "days": len(days), "alarms": alarms}
    if world.made_by is None or world.made_by.world == "calm":
        return made
    record, signals = true_moves.record_of(world.made_by), alarms["signals"]
    return made | {
        "behind": true_moves.put_down(record, signals, days),
        "truly_off": true_shifts.at_alerts(world, world.made_by, signals, days),
    }


def summed(counts: list[Result]) -> Result:
    """Quarters watched, and the alerts raised by family and watcher, in all and per quarter."""
    quarters = sum(count["days"] for count in counts) / QUARTER_DAYS
    alarms: dict[str, dict[str, int]] = {family: {} for family in FAMILIES}
    for count in counts:
        for family, by_name in count["alarms"].items():
            for name, alerts in by_name.items():
                alarms[family][name] = alarms[family].get(name, 0) + len(alerts)
    hard = [count for count in counts if "behind" in count]
    truth = {
        "behind": true_moves.summed([count["behind"] for count in hard]),
        "truly_off": {
            name: [one for count in hard for one in count["truly_off"].get(name, [])]
            for name in true_shifts.MEASURES
        },
    }
    return {
        "worlds": [count["name"] for count in counts],
        "quarters": round(quarters, 1),
        "alarms": alarms,
        "per_quarter": {
            family: {name: round(n / quarters, 2) for name, n in by_name.items()}
            for family, by_name in alarms.items()
        },
    } | (truth if hard else {})


def _kept(world: World, family: str, days: list[date]) -> Alarms:
    path = world.folder / f"alarms_{family.replace(' ', '_')}.json"
    if not path.exists():
        alarms = {
            name: [(str(days[k]), cause) for k, cause in raised(by_day)]
            for name, by_day in FAMILIES[family](world, days).items()
        }
        path.write_text(json.dumps(alarms, indent=1), encoding="utf-8")
        counts = {name: len(alerts) for name, alerts in alarms.items()}
        print(world.folder.name, family, counts, flush=True)
    return json.loads(path.read_text(encoding="utf-8"))


def _rate(rate: float | None) -> str:
    return "not judged" if rate is None else f"{rate:.2f}"


def _together(one: Result, family: str) -> str:
    return f"{sum(one['alarms'].get(family, {}).values()) / one['quarters']:.1f}"


BENCHMARK = Benchmark(
    question="How often is each watcher wrong on a clean history?",
    needs="replayed worlds (made where they are not); minutes a world",
    measure=measure,
    options=(
        Option("tuned", "worlds that limits were tuned on: sim:11, sim:11:lightgbm", [], many=True),
        Option("held_out", "worlds held out: sim:21, m5:FOLDER", [], many=True),
    ),
    table=table,
)
