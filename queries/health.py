"""Whether all is well, in lines and in numbers, from the store as it is; nothing is written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from contract.errors import BadUsage, StoreBusy, TillcastError
from contract.params import Params
from contract.severity import RAISED_WORST_FIRST, Severity, rank, worst
from reports.metrics import Number
from runtime.channels import URLS, channels
from runtime.one_line import one_line
from runtime.paths import Paths
from storage.alerts import open_alerts
from storage.batches import read_batches
from storage.forecasts import newest_run
from storage.models import read_models
from storage.notices import undelivered
from storage.panel import last_sales_day
from storage.runs import read_runs
from storage.store import Connection, open_store, refuse_older

WAIT_S = 2.0  # for a writer, before the copy for dashboards is read
ROWS_DAYS = 7
FREE_STORES = 2.0  # times the store: what `ingest.py compact` and the next copy need


@dataclass(frozen=True)
class Line:
    """One thing and how it is."""

    severity: Severity
    name: str
    what: str


@dataclass(frozen=True)
class Health:
    """Lines, the worst first, each of another name; numbers, none of what is not known."""

    lines: list[Line]
    numbers: list[Number]

    @property
    def severity(self) -> Severity:
        """The worst of the lines."""
        return worst(line.severity for line in self.lines)


def health(params: Params, paths: Paths, now: datetime) -> Health:
    """How things are at a moment. A store that cannot be read is an error among the lines."""
    try:
        lines, numbers = _of_store(params, paths, now)
    except TillcastError as refused:
        lines, numbers = [Line("error", "store", one_line(str(refused)))], []
    disk, of_disk = _disk(paths)
    every = sorted([*lines, *disk], key=lambda line: rank(line.severity), reverse=True)
    named = {line.name: line for line in reversed(every)}  # of two of a name the worse stands
    found = [line for line in every if named[line.name] is line]
    code = rank(worst(line.severity for line in found))
    return Health(found, [*numbers, *of_disk, Number("health", code)])


def _of_store(params: Params, paths: Paths, now: datetime) -> tuple[list[Line], list[Number]]:
    try:
        refuse_older(paths.store, WAIT_S)
        with open_store(paths.store, WAIT_S, read_only=True) as con:
            return _lines_and_numbers(con, params, now, f"'{paths.store}'")
    except StoreBusy as busy:
        if not paths.snapshot.exists():
            return [Line("ok", "store", one_line(str(busy)))], []
        with open_store(paths.snapshot, WAIT_S, read_only=True) as con:
            where = f"somebody is writing; read from the copy '{paths.snapshot}'"
            return _lines_and_numbers(con, params, now, where)


def _lines_and_numbers(
    con: Connection, params: Params, now: datetime, where: str
) -> tuple[list[Line], list[Number]]:
    most_hours = params.monitor.max_look_age_hours
    parts = [
        ([Line("ok", "store", where)], []),
        _sales(con, now),
        _table(con, now, most_hours),
        _look(con, now, most_hours),
        _messages(con),
        _alerts(con),
        ([], _received(con, now)),
        ([], _entry_points(con)),
    ]
    return [line for lines, _ in parts for line in lines], [n for _, many in parts for n in many]


def _sales(con: Connection, now: datetime) -> tuple[list[Line], list[Number]]:
    last = last_sales_day(con)
    if last is None:
        return [Line("warning", "sales", "no row of sales was taken yet")], []
    age_days = (now.date() - last).days
    # whether that is too old is the watchers' word (freshness)
    what = f"newest day {last}, {age_days} days ago"
    return [Line("ok", "sales", what)], [Number("sales_age_days", age_days)]


def _table(con: Connection, now: datetime, most_hours: float) -> tuple[list[Line], list[Number]]:
    newest = newest_run(con)
    if newest is None:
        return [Line("warning", "table", "no forecast was published yet")], []
    run, origin = newest
    hours = _hours(run.started_at, now)
    what = f"run {run.run_id}, days after {origin}, made {hours:.0f} hours ago"
    line = Line("warning" if hours > most_hours else "ok", "table", what)
    numbers = [
        Number("table_age_hours", hours),
        Number("table_origin_age_days", (now.date() - origin).days),
    ]
    models = read_models(con).filter(stage="champion")
    numbers += [
        Number("champion_age_days", (now.date() - cutoff).days) for cutoff in models["cutoff"]
    ]
    return [line], numbers


def _look(con: Connection, now: datetime, most_hours: float) -> tuple[list[Line], list[Number]]:
    looks = read_runs(con, "monitor")
    if looks.is_empty():
        return [Line("warning", "look", "nobody has looked yet: `python monitor.py`")], []
    hours = _hours(looks["started_at"][0], now)
    what = f"the watchers looked {hours:.0f} hours ago"
    if hours > most_hours:
        what += f", and not within {most_hours:g}: is the daily flow running?"
    severity: Severity = "error" if hours > most_hours else "ok"
    return [Line(severity, "look", what)], [Number("look_age_hours", hours)]


def _messages(con: Connection) -> tuple[list[Line], list[Number]]:
    try:
        found = channels()
    except BadUsage as unreadable:
        return [Line("error", "messages", one_line(str(unreadable)))], []
    names = {channel.name for channel in found}
    missed = {name: why for name, why in undelivered(con).items() if name in names}
    number = Number("undelivered", len(missed))
    if not found:
        return [Line("ok", "messages", f"no address in {URLS}: alerts are sent nowhere")], []
    if not missed:
        return [Line("ok", "messages", f"{len(found)} addresses, all delivered")], [number]
    return [
        Line("error", f"messages:{name}", one_line(f"not delivered: {problem}"))
        for name, (_, problem) in missed.items()
    ], [number]


def _alerts(con: Connection) -> tuple[list[Line], list[Number]]:
    alerts = open_alerts(con)
    lines = [
        Line(row["severity"], row["cause"], one_line(row["what"])) for row in alerts.to_dicts()
    ]
    numbers = [
        Number("alerts", alerts.filter(severity=name).height, {"severity": name})
        for name in RAISED_WORST_FIRST
    ]
    return lines, numbers


def _received(con: Connection, now: datetime) -> list[Number]:
    since = now - timedelta(days=ROWS_DAYS)
    recent = read_batches(con).filter(pl.col("received_at").is_between(since, now))
    counts = {"rows_received": "rows_in", "rows_refused": "rows_refused"}
    refused = recent.filter(status="refused").height
    return [
        *(Number(name, recent[column].sum()) for name, column in counts.items()),
        Number("files_received", recent.height),
        Number("files_refused", refused),
    ]


def _entry_points(con: Connection) -> list[Number]:
    """Seconds and MB of each entry point's newest whole run."""
    runs = read_runs(con).filter(status="done")
    numbers = []
    for row in runs.unique("door", keep="first", maintain_order=True).to_dicts():
        labels = {"entry_point": row["door"]}
        if row["ended_at"] is not None:
            seconds = (row["ended_at"] - row["started_at"]).total_seconds()
            numbers.append(Number("run_seconds", seconds, labels))
        if row["peak_mb"] is not None:
            numbers.append(Number("run_peak_mb", row["peak_mb"], labels))
    return numbers


def _disk(paths: Paths) -> tuple[list[Line], list[Number]]:
    if not paths.store.exists():
        return [], []
    size, free = paths.store.stat().st_size, shutil.disk_usage(paths.root).free
    severity: Severity = "ok" if free >= FREE_STORES * size else "warning"
    what = f"{free / 2**30:.1f} GB free, the store takes {size / 2**30:.2f} GB"
    return [Line(severity, "disk", what)], [
        Number("store_bytes", size),
        Number("disk_free_bytes", free),
    ]


def _hours(then: datetime, now: datetime) -> float:
    return max((now - then).total_seconds(), 0.0) / 3600
