"""A feed that repeats itself: false alarms on clean mornings, and how soon what share of it is
found by the rule on arrival and by the watch. Beside it, item numbers given to other products.

Of the simulator four seeds (500 series, 900 days, the world of params.yaml), of M5's files every
tenth item in all stores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.replay import KEPT
from benchmarks.harness.results import Result
from benchmarks.harness.watching import Limits, alerts_of_signals, raised
from benchmarks.harness.worlds import M5_FILES, every_nth_item, m5_read, simulated
from benchmarks.render.markdown import markdown_table
from contract.days import days_between
from contract.demand import demand_rules
from contract.panel import Panel
from contract.params import Params
from expectations.repeats import with_repeats
from expectations.suite import Context as SuiteContext
from expectations.usual import levels_compared
from monitoring.changed import changed_signal
from monitoring.repeats import repeats_signal
from monitoring.signal import Signal
from monitoring.what_arrived import Arrived, arrived

SEEDS, SERIES, DAYS = (41, 42, 43, 44), 500, 900
CLEAN_DAYS, M5_CLEAN_DAYS = 400, 330  # M5's files have 447 days, of which the watch needs 112
COLUMNS = ["store_id", "dept_id"]
SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0)
MOST_MORNINGS = 14
BEFORE = 60  # days, of which the rule on arrival reads 42
STARTS = (20, 55, 90, 125)  # days before the end, at which a fault begins
RECYCLED = (1, 2, 5, 10)  # items, each in all its stores

# the rows of the chosen series, from a column on, in a table of units
Fault = Callable[[np.ndarray, np.ndarray, int], None]


def frozen(y: np.ndarray, rows: np.ndarray, at: int) -> None:
    """The last day before repeats."""
    y[rows, at:] = y[rows, at - 1][:, None]


def last_week(y: np.ndarray, rows: np.ndarray, at: int) -> None:
    """The week before repeats."""
    for column in range(at, y.shape[1]):
        y[rows, column] = y[rows, column - 7]


def measure(context: Context) -> Result:
    """Each world in turn, beside those measured before."""
    params, result = params_here(), context.before()
    if context.options.m5_files:
        panel = every_nth_item(m5_read(context.options.m5_files, KEPT / "m5_source"), 10)
        return result | {"M5": _world(params, panel, M5_CLEAN_DAYS)}
    for seed in SEEDS:
        panel = simulated(params, SERIES, DAYS, seed)
        result[f"simulator {seed}"] = _world(params, panel, CLEAN_DAYS)
        context.keep(result)
    return result


@dataclass(frozen=True)
class Tried:
    """A world that faults are tried on; the limits of its clean past."""

    params: Params
    panel: Panel
    seen: Arrived
    limits: Limits


def _world(params: Params, panel: Panel, days: int) -> Result:
    seen = arrived(panel, (panel.last_day - panel.first_day).days, demand_rules(params))
    clean = days_between(panel.last_day - timedelta(days=days - 1), panel.last_day)
    signals = [repeats_signal(seen, COLUMNS), changed_signal(seen, COLUMNS)]
    limits = Limits()
    alerts = alerts_of_signals(signals, clean, params.monitor, limits)
    tried = Tried(params, panel, seen, limits)
    on_arrival = _on_arrival(params, panel, seen, seen.y)
    first = clean[0]
    return {
        "clean_mornings": days,
        "refused_clean": len(_days(on_arrival, "copied_share", params.ingest.most_copied, first)),
        "noted_clean": len(_days(on_arrival, "repeats_gap", params.ingest.repeats_band, first)),
        "alerts_clean": {name: len(raised(by_day)) for name, by_day in alerts.items()},
        "frozen": {
            f"{share:.0%}": [_found(tried, share, back) for back in STARTS] for share in SHARES
        },
        "parts": {
            name: [_found_part(tried, name, back) for back in STARTS]
            for name in ("one store", "one department", "a store, last week's days")
        },
        "recycled": {
            str(items): [_recycled(tried, items, back) for back in STARTS] for items in RECYCLED
        },
    }


def _found(tried: Tried, share: float, back: int) -> Result:
    rng = np.random.default_rng(back)
    rows = np.flatnonzero(rng.random(len(tried.seen.y)) < share)
    return _mornings(tried, rows, back, frozen)


def _found_part(tried: Tried, name: str, back: int) -> Result:
    column = "dept_id" if "department" in name else "store_id"
    series = tried.seen.series
    groups = series[column].unique().sort()
    rows = (series[column] == groups[back % len(groups)]).arg_true().to_numpy()
    fault = last_week if "week" in name else frozen
    return _mornings(tried, rows, back, fault)


def _mornings(tried: Tried, rows: np.ndarray, back: int, fault: Fault) -> Result:
    """Mornings until a row is refused, until something is noted, until the watch alerts (had all
    been let in); None: not within MOST_MORNINGS.
    """
    seen, params = tried.seen, tried.params
    at = seen.y.shape[1] - back
    y = seen.y.copy()
    fault(y, rows, at)
    first = seen.first + timedelta(days=at)
    until = at + MOST_MORNINGS
    recent = replace(seen, first=first - timedelta(days=BEFORE))
    judged = _on_arrival(params, tried.panel, recent, y[:, at - BEFORE : until])
    ingest = params.ingest
    refused = _days(judged, "copied_share", ingest.most_copied, first)
    noted = _days(judged, "repeats_gap", ingest.repeats_band, first)
    signal = repeats_signal(seen.with_units(y[:, :until]), COLUMNS)
    found = _first_alert(tried, signal, first)
    return {
        "refused": (refused[0] - first).days + 1 if refused else None,
        "noted": (noted[0] - first).days + 1 if noted else None,
        **{name: found[name] for name in ("alert", "dated")},
    }


def _recycled(tried: Tried, items: int, back: int) -> Result:
    """Mornings until numbers given to other products raise an alert, and whether it names them."""
    seen = tried.seen
    rng, at = np.random.default_rng(back), seen.y.shape[1] - back
    ids = seen.series["item_id"].unique().sort().to_numpy()
    rows_of = {name: (seen.series["item_id"] == name).arg_true().to_numpy() for name in ids}
    y, chosen = seen.y.copy(), rng.choice(ids, items, replace=False)
    for name in chosen:
        other = rows_of[rng.choice(ids[ids != name])]
        rows = rows_of[name]
        y[rows, at:] = seen.y[np.resize(other, len(rows)), at:]
    signal = changed_signal(seen.with_units(y[:, : at + MOST_MORNINGS]), COLUMNS)
    found = _first_alert(tried, signal, seen.first + timedelta(days=at))
    ours = set(seen.series.filter(pl.col("item_id").is_in(chosen))["unique_id"])
    return found | {"named": bool(ours & set(found["named"]))}


def _first_alert(tried: Tried, signal: Signal, first: date) -> Result:
    """The morning of the first alert since a day, how many days off it dates it, whom it names."""
    for morning in range(1, MOST_MORNINGS + 1):
        day = first + timedelta(days=morning - 1)
        findings = tried.limits.findings(signal, day, tried.params.monitor)
        if loud := [finding for finding in findings if finding.since and finding.severity != "ok"]:
            off = min(((one.since or day) - first).days for one in loud)
            names = [name for one in loud for name in one.contributors]
            return {"alert": morning, "dated": off, "named": names}
    return {"alert": None, "dated": None, "named": []}


def _on_arrival(params: Params, panel: Panel, seen: Arrived, y: np.ndarray) -> pl.DataFrame:
    """ds, copied_share, repeats_gap of every row that sold, had each day come as a file."""
    row, day = np.nonzero(np.nan_to_num(y) > 0)
    dates = np.datetime64(seen.first, "D") + day
    sold = pl.DataFrame(
        {"unique_id": seen.series["unique_id"].gather(row), "ds": dates, "y": y[row, day]}
    ).cast({"ds": pl.Date, "y": pl.Float64})
    levels = levels_compared(params.source.levels, seen.series, params.ingest.whole_days)
    context = SuiteContext(params.ingest, panel.last_day, series=seen.series, levels=levels)
    return with_repeats(sold.with_columns(copy=pl.lit(0, pl.Int64)), context).select(
        "ds", "copied_share", "repeats_gap"
    )


def _days(judged: pl.DataFrame, column: str, limit: float, since: date) -> list[date]:
    """The days since one with a row above a limit."""
    hit = judged.filter(pl.col(column) > limit, pl.col("ds") >= since)
    return sorted(hit["ds"].unique().to_list())


def table(result: Result) -> str:
    """One row per fault, one column per world: mornings until refused, noted, alert."""
    result = dict(sorted(result.items(), key=lambda item: (item[0] == "M5", item[0])))
    worlds = list(result.values())
    rows = [["clean mornings: refused, noted, alerts", *(_clean(one) for one in worlds)]]
    for kind, label in _LABELS.items():
        for name in dict.fromkeys(name for one in worlds for name in one[kind]):
            cells = [_cell(one[kind].get(name, [])) for one in worlds]
            rows.append([label.format(name), *cells])
    return markdown_table(["mornings until", *result], rows)


_LABELS = {
    "frozen": "{} of the rows frozen",
    "parts": "{}",
    "recycled": "{} item numbers given away",
}


def _clean(one: Result) -> str:
    alerts = ", ".join(f"{name} {count}" for name, count in one["alerts_clean"].items())
    return f"{one['clean_mornings']}: {one['refused_clean']}, {one['noted_clean']}, {alerts}"


def _cell(trials: list[Result]) -> str:
    """Of each column the slowest of the trials, and how many of them were found where not all."""
    cells = []
    for name in ("refused", "noted", "alert"):
        known = [trial[name] for trial in trials if trial.get(name) is not None]
        found = f" ({len(known)} of {len(trials)})" if len(known) < len(trials) else ""
        cells += [f"{name} {max(known)}{found}"] if known else []
    if named := [trial for trial in trials if trial.get("named")]:
        cells.append(f"named in {len(named)}")
    return ", ".join(cells) or ("none" if trials else "not tried")


BENCHMARK = Benchmark(
    question="Is a feed that repeats itself found, how soon, and at what price on clean mornings?",
    needs="nothing, or M5's files; minutes",
    measure=measure,
    options=(M5_FILES,),
    table=table,
)
