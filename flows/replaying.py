"""The daily and weekly flows over the mornings of a replay, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from flows import daily, weekly
from flows.engine import plainly
from flows.replay_world import ReplayWorld
from flows.tasks import run_stages, take_inbox
from runtime.command_line import Summary
from storage.batches import read_batches
from storage.store import open_store

MORNING, WEEKLY_HOUR, SUNDAY = time(6, 30), 8, 6


def replay(world: ReplayWorld, days: int) -> Iterator[str]:
    """A line for the history, then one for each morning, as it happens; counts are kept in the
    world.
    """
    now = datetime.combine(world.first_day, MORNING)
    world.deliver(now)
    plainly(take_inbox, world.params_file, world.paths.root, now)
    yield f"{world.first_day} history  {_week(world, now)}"
    for k in range(days):
        yield _one_day(world, world.first_day + timedelta(days=k + 1))
    world.counts["rows_restated"] = _rows_restated(world)


def _one_day(world: ReplayWorld, day: date) -> str:
    now = datetime.combine(day, MORNING)
    world.counts["days"] += 1
    world.deliver(now)
    if day in world.outage:
        world.counts["days_standing_still"] += 1
        waiting = len(list(world.paths.inbox.iterdir()))
        return f"{day:%Y-%m-%d %a}  production stands still; {waiting} files wait"
    summaries = daily.plain(world.params_file, world.paths.root, now)
    _count(world, summaries)
    line = f"{day:%Y-%m-%d %a}  {_line_of(summaries)}"
    if day.weekday() != SUNDAY:
        return line
    return f"{line}\n{'':14}  weekly: {_week(world, now.replace(hour=WEEKLY_HOUR))}"


def _week(world: ReplayWorld, now: datetime) -> str:
    """The weekly flow, its offline stages by hand; the gate's decision in a line."""
    summaries = weekly.week(plainly, world.params_file, world.paths.root, now, run_stages)
    if "repro" not in summaries:
        return f"no refit: {summaries['retrain']['reason']}"
    decision = summaries["repro"]["decision"]
    world.counts["weekly_runs"] += 1
    world.counts["promotions"] += bool(decision["promote"])
    outcome = "promoted" if decision["promote"] else "kept the champion"
    return f"{outcome}: {'; '.join(decision['reasons'])}"


def _rows_restated(world: ReplayWorld) -> int:
    """Rows that a later file said otherwise, as the ledger counts them."""
    with open_store(world.paths.store, read_only=True) as con:
        return int(read_batches(con)["rows_restated"].sum())


def _count(world: ReplayWorld, summaries: Summary) -> None:
    ingest, monitor = summaries["ingest"], summaries["monitor"]
    world.counts.update(
        files=ingest["files"],
        files_refused=ingest["refused"],
        rows=ingest["rows_out"],
        rows_refused=ingest["rows_refused"],
        tables=1,
        retraining_needed=bool(monitor["retrain"]["is_needed"]),
        alerts_closed=len(set(monitor["closed"])),
    )
    causes = {cause.split(":")[0] for cause in monitor["raised"]}
    world.counts.update({f"days with {cause}": 1 for cause in causes})


def _line_of(summaries: Summary) -> str:
    """A morning in one line: what came in, the table, the alerts."""
    ingest, table, monitor = (summaries[name] for name in ("ingest", "inference", "monitor"))
    raised, closed = set(monitor["raised"]), set(monitor["closed"])
    files = (
        f"{ingest['files']} files {ingest['rows_out']:>5} rows, {ingest['rows_refused']} refused"
    )
    units = f"{table['units']:>8,.0f} units from {table['origin']}"
    alerts = f"alerts: {', '.join(sorted(raised))}" if raised else "no alert"
    over = f"; over: {', '.join(sorted(closed))}" if closed else ""
    return f"{files:<32}| {units} | {alerts}{over}"
