"""The journal: every change of the store as files beside it, from which a lost store is made again.

An entry is a folder `journal/<source>/<number>`: entry.json and one Parquet file per frame (of a
baseline: per table), with their hashes. It holds what was decided, not what was received: making a
store again reads and judges nothing, so no changed rule or param can change it. An entry is on disk
before its transaction commits, and the store counts the entries it holds (`meta.journal_at`).
Killed in between, the newest entry is one too many: the next change takes its number; a rebuild
takes it in, which is what the next run would have done.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import polars as pl

from contract.errors import StoreBroken
from runtime.disk import disk_refusals, flush_to_disk, sha256_of
from storage.connection import Connection
from storage.schema import SCHEMA_VERSION, TABLES, quoted, quoted_text
from storage.store import COMMITTED, file_of, journal_of, source_of, transaction

# of meta a baseline says what people said to alerts, the rest is the entry's
NOT_KEPT = ("meta",)
_ENTRY = "entry.json"
ROWS_AT_ONCE = 500_000  # of a frame that may be larger than memory
# of 9 there were no totals yet, of 10 nothing was thinned, of 11 nothing overridden; all else is
# the same
_READABLE = {SCHEMA_VERSION, "11", "10", "9"}
_FIELDS = "told"  # the key of the fields in entry.json


class Kind(StrEnum):
    """The kinds of entries, by their names in every journal."""

    BASELINE = "baseline"
    DECISION = "decision"
    DELIVERY = "delivery"
    FORECASTS = "forecasts"
    LOOK = "look"
    OFFLINE = "laboratory"
    ORDERS = "orders"
    OVERRIDE = "override"
    PROMOTION = "promotion"
    REPLAY = "replay"
    RESPONSE = "response"
    REVOCATION = "revocation"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True)
class Entry:
    """One change: its kind, its fields (as JSON in entry.json), and the rows it brings.

    `tables`: of a baseline, read from the journal, the file of each table. No frames: a store may
    be larger than memory. `scans`: frames that may be, too, read batch by batch.
    """

    kind: str
    fields: dict[str, Any]
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    scans: dict[str, pl.LazyFrame] = field(default_factory=dict)

    def batches(self, name: str) -> Iterator[pl.DataFrame]:
        """The rows of a frame, some at a time; nothing where the entry has none of that name."""
        if name in self.scans:
            yield from self.scans[name].collect_batches(chunk_size=ROWS_AT_ONCE)
        elif name in self.frames:
            yield self.frames[name]


# of a kind the frames that may be larger than memory
_SCANNED = {Kind.FORECASTS: ("forecasts", "demand_spans")}
BASELINE = Entry(Kind.BASELINE, {})  # the whole store, as it is when the entry is written
SAID = "said"  # among a baseline's fields: what people said to alerts


@contextmanager
def recorded(con: Connection, entry: Entry) -> Iterator[None]:
    """A transaction whose work is in the journal before it is in the store. A store nobody claimed
    keeps none.
    """
    if (journal := _journal(con)) is not None:
        _refuse_behind(con, journal)
    with transaction(con):
        yield
        journal = _journal(con)  # the work may have claimed the store
        number = _append(con, journal, entry) if journal is not None else 0
    if journal is not None:
        _mark(journal, number)


def numbers_of(journal: Path) -> list[int]:
    """The entries to make a store from, in order, from the newest baseline on. StoreBroken when one
    is missing.
    """
    numbers = _numbers(journal)
    if not numbers:
        return []
    baselines = (k for k in reversed(numbers) if _read_json(journal, k)["kind"] == Kind.BASELINE)
    first = next(baselines, 1)
    if missing := sorted(set(range(first, numbers[-1] + 1)) - set(numbers)):
        raise StoreBroken(
            f"the journal '{journal}' lacks the entries {missing}: no store can be made of it. "
            f"Bring {journal.parent} back from a backup; or, to begin anew, move it away and run "
            "`python ingest.py fill`."
        )
    return [number for number in numbers if number >= first]


def read_entry(journal: Path, number: int) -> Entry:
    """An entry as it was written; StoreBroken when one of its files is not."""
    written, folder = _read_json(journal, number), _folder(journal, number)
    if written["schema"] not in _READABLE:
        raise StoreBroken(
            f"entry {number} of '{journal}' was written by schema version {written['schema']}, "
            f"this code reads {SCHEMA_VERSION}. Check out the code that wrote it, rebuild there, "
            "then open the store with this one."
        )
    for name, sha256 in written["files"].items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != sha256:
            raise StoreBroken(
                f"'{path}' is missing or changed since it was written. Bring it back from a backup "
                f"of {journal.parent}."
            )
    paths = {Path(name).stem: folder / name for name in written["files"]}
    if written["kind"] == Kind.BASELINE:
        return Entry(written["kind"], written[_FIELDS], tables=paths)
    scanned = paths.keys() & set(_SCANNED.get(written["kind"], ()))
    scans = {name: pl.scan_parquet(paths[name], glob=False) for name in sorted(scanned)}
    small = {name: path for name, path in paths.items() if name not in scans}
    frames = {name: pl.read_parquet(path, glob=False) for name, path in small.items()}
    return Entry(written["kind"], written[_FIELDS], frames, scans=scans)


def replaced_entries(journal: Path) -> list[Path]:
    """The entries before the newest committed baseline, oldest first: no rebuild reads them."""
    committed = _committed(journal)
    numbers = [number for number in _numbers(journal) if number <= committed]
    for number in reversed(numbers):
        if _read_json(journal, number)["kind"] == Kind.BASELINE:
            return [_folder(journal, k) for k in numbers if k < number]
    return []


def count(con: Connection, number: int) -> None:
    """Say in the store that it holds the journal up to this entry. Call it inside a transaction."""
    statement = "insert or replace into meta values ('journal_at', $at)"
    con.execute(statement, {"at": str(number)}).fetchall()


def _journal(con: Connection) -> Path | None:
    """The journal of the store's source; None while nobody has claimed the store."""
    source = source_of(con)
    return None if source is None else journal_of(file_of(con), source)


def _refuse_behind(con: Connection, journal: Path) -> None:
    """StoreBroken for a store older than its journal: a backup, or a file that lost its log."""
    committed, held = _committed(journal), _held(con)
    if committed > held:
        raise StoreBroken(
            f"the store '{file_of(con)}' holds {held} changes, its journal '{journal}' knows of "
            f"{committed}: it is an older copy, or lost its log. Run `make rebuild`: it makes the "
            "store again from the journal."
        )


def _committed(journal: Path) -> int:
    """The newest entry that was committed for sure. A mark that says nothing (a disk lost it) is
    taken from the entries: all but the newest are.
    """
    mark = journal / COMMITTED
    if not mark.exists():
        return 0
    said = mark.read_text(encoding="ascii", errors="replace").strip()
    if said.isdecimal():
        return int(said)
    return max((int(path.name) for path in journal.glob("[0-9]*")), default=1) - 1


def _held(con: Connection) -> int:
    """The newest entry the store holds."""
    at = con.execute("select value::bigint from meta where key = 'journal_at'").fetchall()
    return int(at[0][0]) if at else 0


def _mark(journal: Path, number: int) -> None:
    """Say that a change was committed; a lower bound, as the power may go just before."""
    unfinished = journal / f".{COMMITTED}"
    unfinished.write_text(str(number), encoding="ascii")
    flush_to_disk(unfinished)  # an empty mark would stop every later change
    unfinished.replace(journal / COMMITTED)


def _append(con: Connection, journal: Path, entry: Entry) -> int:
    """The number the entry stands under. The first one, and one after a gap, is the whole store
    instead.
    """
    number = _held(con)
    if not _reaches(journal, number):
        # the change itself is in it: it is written, though not committed
        entry = BASELINE
    with disk_refusals(journal):
        _write(con, journal, number + 1, entry)
    count(con, number + 1)
    return number + 1


def _reaches(journal: Path, number: int) -> bool:
    """Whether the journal goes up to an entry that this code could read."""
    is_there = (_folder(journal, number) / _ENTRY).is_file()
    return is_there and _read_json(journal, number)["schema"] in _READABLE


def _numbers(journal: Path) -> list[int]:
    """The entries there are, in order."""
    return sorted(int(path.name) for path in journal.glob("[0-9]*") if (path / _ENTRY).is_file())


def _write(con: Connection, journal: Path, number: int, entry: Entry) -> None:
    """The entry whole under its number, or not at all, also when the power goes."""
    target, unfinished = _folder(journal, number), journal / ".new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    fields = entry.fields
    if entry.kind == Kind.BASELINE:
        _write_tables(con, unfinished)
        fields = {SAID: _said(con)}
    for name, frame in entry.frames.items():
        frame.rechunk().write_parquet(unfinished / f"{name}.parquet", compression="zstd")
    for name, scan in entry.scans.items():
        scan.sink_parquet(unfinished / f"{name}.parquet", compression="zstd")
    files = {}
    for path in sorted(unfinished.iterdir()):
        files[path.name] = sha256_of(path)
        flush_to_disk(path)
    content = {
        "kind": entry.kind,
        "schema": SCHEMA_VERSION,
        "files": files,
        _FIELDS: fields,
    }
    text = json.dumps(content, indent=1, default=str) + "\n"
    (unfinished / _ENTRY).write_text(text, encoding="utf-8")
    for path in (unfinished / _ENTRY, unfinished):
        flush_to_disk(path)
    shutil.rmtree(target, ignore_errors=True)  # of a change that was never committed
    unfinished.rename(target)
    flush_to_disk(journal)


def _write_tables(con: Connection, folder: Path) -> None:
    """Every table that is kept, written by the store itself: none is held in memory."""
    for name in (table.name for table in TABLES if table.name not in NOT_KEPT):
        target = quoted_text(str(folder / f"{name}.parquet"))
        copy = f"copy {quoted(name)} to {target} (format parquet, compression zstd)"
        con.execute(copy).fetchall()


def _said(con: Connection) -> dict[str, str]:
    query = """
        select key, value from meta
        where key not in ('schema_version', 'source', 'journal_at') order by key"""
    return dict(con.execute(query).fetchall())


def _read_json(journal: Path, number: int) -> dict[str, Any]:
    path = _folder(journal, number) / _ENTRY
    try:
        written: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return written
    except (OSError, ValueError) as error:
        raise StoreBroken(
            f"'{path}' cannot be read: {error}. Bring it back from a backup of {journal.parent}."
        ) from error


def _folder(journal: Path, number: int) -> Path:
    return journal / f"{number:06d}"
