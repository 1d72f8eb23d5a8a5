"""What must hold after any power cut: in between, whatever a reader could see; at the end, all that
the never-killed run has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from runtime.disk import sha256_of
from runtime.paths import Paths
from storage.connection import Connection
from storage.inbox import archived_file, waiting_files
from storage.schema import TABLES, quoted
from storage.store import open_store

# when a run ended, what was checked out and what it held is no part of what it did
_CLOCKED = {"runs": ("ended_at", "git_commit", "peak_mb")}


def observed(paths: Paths) -> dict[str, Any]:
    """Everything that must be equal: tables as sets (a hash each), archive, registry, what still
    waits. Not `meta`: how many changes it took may differ.
    """
    with open_store(paths.store, 20) as con:
        return _observed(con, paths)


def _observed(con: Connection, paths: Paths) -> dict[str, Any]:
    return {
        "tables": {
            table.name: _hash_of(con, table.name) for table in TABLES if table.name != "meta"
        },
        "archive": _files(paths.archive),
        "registry": _files(paths.registry),
        "panel": _files(paths.panel),
        "waiting": [path.name for path in waiting_files(paths.inbox)],
    }


def seen_in_between(paths: Paths) -> list[str]:
    """What is wrong for whoever reads the store, its copy and the pages right after the cut."""
    files = [*_halves(paths), *_unreadable_copy(paths)]
    if not paths.store.exists():
        return files
    with open_store(paths.store, 20) as con:
        return [*files, *_broken(con), *_without_bundle(con, paths)]


def wrong_at_the_end(paths: Paths, expected: dict[str, Any]) -> list[str]:
    """What differs from the run that was never killed, and what the ledger lists and the archive
    lacks.
    """
    with open_store(paths.store, 20) as con:
        wrong = [
            f"{part} {name} differs" for part, name in _differences(_observed(con, paths), expected)
        ]
        wrong += [*_broken(con), *_not_archived(con, paths), *_without_bundle(con, paths)]
    wrong += [*_halves(paths), *_unreadable_copy(paths)]
    archived = {path.name[:64] for path in paths.archive.rglob("*_*")}
    return wrong + [
        f"{path.name} is in inbox and archive"
        for path in waiting_files(paths.inbox)
        if sha256_of(path) in archived
    ]


def _broken(con: Connection) -> Iterator[str]:
    """Each violation of which a query finds rows."""
    for sentence, query in VIOLATIONS.items():
        if rows := con.execute(query).fetchall():
            yield f"{sentence}: {rows[:3]}"


VIOLATIONS = {
    "a batch does not account for its rows": """
        select b.batch_id, rows_in, rows_accepted, rows_refused, sum(q.lines) from batches b
        left join quarantine q on q.batch_id = b.batch_id
        group by all
        having rows_in <> rows_accepted + rows_refused
            or rows_refused <> coalesce(sum(q.lines), 0)""",
    "a refused row has no batch": """
        select q.* from quarantine q anti join batches b using (batch_id)""",
    "a refused row was taken in by nobody": """
        select q.* from quarantine q
        anti join batches b on b.batch_id = q.replayed_by and b.replay_of = q.batch_id
        where q.replayed_by is not null""",
    "a sale has no batch": "select s.* from sales s anti join batches b using (batch_id)",
    "an earlier sale has no batch": """
        select s.* from sales_superseded s anti join batches b using (batch_id)""",
    "a series and day stands twice": """
        select unique_id, ds from sales group by all having count(*) > 1""",
    "a content was taken twice": """
        select sha256, fact, attempt from batches group by all having count(*) > 1""",
    "a sale has no series": """
        select s.* from sales s anti join series_attributes a using (unique_id)""",
    "a table is half published": """
        select run_id, count(*) from forecasts group by all having count(*) <> 70""",
    "a table of levels is half published": """
        select run_id, count(*) from forecast_levels group by all having count(*) <> 7""",
    "forecasts without levels": """
        select distinct run_id from forecasts except select distinct run_id from forecast_levels""",
    "forecasts without their run": """
        select f.* from forecasts f
        anti join runs r on f.run_id = r.run_id and r.status = 'done'""",
    "forecasts of two makings": """
        select run_id from forecasts group by run_id having count(distinct created_at) > 1""",
    "more than one champion": """
        select count(*) from models where stage = 'champion' having count(*) > 1""",
    "no champion after there was one": """
        select count(*) from models having count(*) filter (where stage = 'retired') > 0
                                       and count(*) filter (where stage = 'champion') = 0""",
    "the champion is not the one decided last": """
        select arg_max(d.model_id, decided_at) as decided, any_value(m.model_id) as champion
        from decisions d, models m
        where m.stage = 'champion' and outcome = 'champion'
        having decided <> champion""",
    "a look without its decision": """
        select r.* from runs r
        anti join decisions d on d.kind = 'retrain' and d.decided_at = r.started_at
        where door = 'monitor'""",
    "a decision without its look": """
        select d.* from decisions d
        anti join runs r on r.door = 'monitor' and d.decided_at = r.started_at
        where kind = 'retrain'""",
    "a cause has two open alerts": """
        select cause from alerts where state = 'open' group by cause having count(*) > 1""",
    "orders of two makings": """
        select order_day from orders group by order_day having count(distinct created_at) > 1""",
    "an order without its spans": """
        select o.* from orders o
        anti join demand_spans s on s.run_id = o.run_id and s.key = o.unique_id
        where o.demand is not null""",
}


def _without_bundle(con: Connection, paths: Paths) -> Iterator[str]:
    champions = con.execute("select model_id from models where stage = 'champion'").fetchall()
    for (model_id,) in champions:
        if not (paths.registry / model_id / "card.json").exists():
            yield f"the champion has no bundle: {model_id}"


def _unreadable_copy(paths: Paths) -> Iterator[str]:
    """What a dashboard meets."""
    if not paths.snapshot.exists():
        return
    try:
        with duckdb.connect(paths.snapshot, read_only=True) as con:
            con.execute("select count(*) from newest_forecasts").fetchall()
    except duckdb.Error as error:
        yield f"the dashboards' copy does not open: {str(error).splitlines()[0]}"


def _not_archived(con: Connection, paths: Paths) -> Iterator[str]:
    for (sha256,) in con.execute("select distinct sha256 from batches").fetchall():
        if archived_file(paths.archive, sha256) is None:
            yield f"the archive does not hold content {sha256[:8]}"


def _differences(observed: dict[str, Any], expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for part, value in expected.items():
        there = observed[part]
        if isinstance(value, dict):
            names = sorted(value.keys() | there.keys())
            yield from ((part, name) for name in names if value.get(name) != there.get(name))
        elif there != value:
            yield part, f"{there} instead of {value}"


def _hash_of(con: Connection, table: str) -> str:
    rows = con.execute(f"select * from {quoted(table)}")  # noqa: S608 -- a table of the schema
    names = [column[0] for column in rows.description]
    left_out = {names.index(name) for name in _CLOCKED.get(table, ())}
    lines = sorted(
        repr([value for k, value in enumerate(row) if k not in left_out]) for row in rows.fetchall()
    )
    return hashlib.sha256("\n".join([*names, *lines]).encode()).hexdigest()[:16]


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _halves(paths: Paths) -> Iterator[str]:
    written = [*paths.validation.glob("*.json"), *paths.reports.glob("*.json")]
    yield from (f"{path.name} is half" for path in sorted(written) if not _is_json(path))
    ends = {".html": ("</html>", "</html>\n"), ".csv": ("\n",)}
    for path in sorted(path for path in paths.reports.glob("*") if path.suffix in ends):
        if not path.read_text(encoding="utf-8").endswith(ends[path.suffix]):
            yield f"{path.name} is half"


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True
