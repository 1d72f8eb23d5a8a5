"""What is new in a database or bucket, laid into the inbox: everything after is a file's way."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from contract.errors import BadInput, RemoteUnreachable, TillcastError
from contract.params import FACTS, Params, SourceParams
from expectations.sales import WHOLE_DAY_CODES
from runtime.command_line import Summary
from runtime.disk import disk_refusals, sha256_of
from runtime.file_names import fits
from runtime.one_line import one_line
from runtime.paths import Paths
from sources.contents import is_left_alone
from sources.reading import fact_of
from sources.wanted import columns_wanted, day_column
from stages.store_name import store_name
from storage.batches import holds
from storage.fetched import (
    Entry,
    in_force,
    ledger_of,
    read_fetched,
    with_entry,
    write_fetched,
)
from storage.inbox import claimed_inbox, is_unfinished, lay_in, withdraw_untaken
from storage.store import read_store

log = logging.getLogger("ingest")

OBJECTS = "objects"  # in the list of what was fetched: those of a bucket


@dataclass
class Fetched:
    """What came of a look: rows by file laid into the inbox, notes, and what failed by its place.
    A failure keeps nothing else waiting.
    """

    rows: dict[str, int | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failed: dict[str, TillcastError] = field(default_factory=dict)

    @property
    def is_any(self) -> bool:
        """Whether anybody looked, and what came of it."""
        return bool(self.rows or self.notes or self.failed)

    @property
    def summary(self) -> Summary:
        """Counts and reasons."""
        why = {place: str(error) for place, error in self.failed.items()}
        return {"fetched": self.rows, "fetch_notes": self.notes, "why_not_fetched": why}

    def refuse_if_failed(self) -> None:
        """An error that names what failed: RemoteUnreachable if another try may succeed."""
        if not self.failed:
            return
        reasons = "; ".join(f"{place}: {error}" for place, error in self.failed.items())
        is_passing = any(isinstance(one, RemoteUnreachable) for one in self.failed.values())
        kind = RemoteUnreachable if is_passing else BadInput
        raise kind(f"{len(self.failed)} not fetched, what lay in the inbox was taken. {reasons}")


def fetch_only(params: Params, paths: Paths, *, now: datetime, whole: bool) -> Summary:
    """The inbox with what is new, and nothing taken of it."""
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        found = fetch(params, paths, now=now, whole=whole)
    found.refuse_if_failed()
    return found.summary


def is_remote(source: SourceParams) -> bool:
    """Whether rows have to be fetched."""
    return source.kind == "sql" or source.bucket is not None


def fetch(params: Params, paths: Paths, *, now: datetime, whole: bool = False) -> Fetched:
    """Increments of every fact, or new objects, in the inbox; call it with the inbox claimed.
    `whole`: as if nothing had been fetched before.
    """
    found = Fetched()
    if not is_remote(params.source):
        return found
    with _scratch(paths) as folder:
        if params.source.kind == "sql":
            _fetch_tables(params, paths, folder, found, now, whole)
        else:
            _fetch_objects(params, paths, folder, found, whole)
    for name, rows in found.rows.items():
        log.info("fetched file=%s rows=%s", one_line(name), rows)
    return found


@dataclass(frozen=True)
class Whole:
    """A source as a folder of files, and what to remember of it once they are taken."""

    source: SourceParams
    fetched: dict[str, list[Entry]]


@contextmanager
def fetched_whole(params: Params, paths: Paths, *, now: datetime) -> Iterator[Whole]:
    """All that a database or bucket holds; any other source as it is. The first failure ends it: a
    panel without a fact would be another panel.
    """
    source, folder = params.source, paths.staging / "whole"
    if not is_remote(source):
        yield Whole(source, {})
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fetched: dict[str, list[Entry]] = {}
    try:
        if source.kind == "sql":
            for fact in _facts(source):
                target = folder / f"{fact}.parquet"
                _, mark = _read_table(params, fact, None, target, now)
                fetched[fact] = [{"name": target.name, "sha256": sha256_of(target), "mark": mark}]
        else:
            fetched[OBJECTS] = [
                _brought_whole(name, bring, folder, source, paths)
                for name, bring in _objects_of(source, {}, [])
            ]
        yield Whole(source.model_copy(update={"path": str(folder)}), fetched)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _brought_whole(
    name: str, bring: Callable[[Path], Any], folder: Path, source: SourceParams, paths: Paths
) -> Entry:
    one = bring(folder / name)
    if _is_static(name, source):  # read beside others now and later: there it stays
        lay_in(folder / name, paths.inbox, name, replaces=True)
    return {"key": one.key, "version": one.version}


def remember(params: Params, paths: Paths, whole: Whole) -> None:
    """What was fetched whole and taken is not fetched again."""
    if whole.fetched:
        write_fetched(paths.fetched, store_name(params.source), whole.fetched)


def _fetch_tables(
    params: Params, paths: Paths, folder: Path, found: Fetched, now: datetime, whole: bool
) -> None:
    for fact in _facts(params.source):
        name = f"{fact}.{now:%Y-%m-%dT%H-%M-%S}.parquet"
        try:
            rows = _fetch_table(params, paths, fact, folder / name, now, whole)
        except (BadInput, RemoteUnreachable) as error:
            found.failed[fact] = error
            continue
        if rows is None:
            found.notes.append(f"nothing_new: {fact}")
        else:
            found.rows[name] = rows


def _fetch_table(
    params: Params, paths: Paths, fact: str, target: Path, now: datetime, whole: bool
) -> int | None:
    """The rows of the file laid into the inbox; None where there is nothing new."""
    source = store_name(params.source)
    entries = read_fetched(paths.fetched, source).get(fact, [])
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        ledger = ledger_of(con, [one["sha256"] for one in entries], WHOLE_DAY_CODES)
    standing = None if whole else in_force(entries, ledger)
    rows, mark = _read_table(params, fact, standing, target, now)
    if not rows:
        return None
    sha256 = sha256_of(target)
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        if holds(con, sha256) and not whole:
            return None
    moment = time.time() - params.ingest.min_age_s  # it is whole: nobody waits for its age
    os.utime(target, (moment, moment))
    # one that no run has taken yet holds less, and lines of both would be summed
    withdraw_untaken(paths.inbox, {one["name"]: one["sha256"] for one in entries})
    entry: Entry = {"name": target.name, "sha256": sha256, "mark": mark}
    everything = read_fetched(paths.fetched, source)
    write_fetched(paths.fetched, source, everything | {fact: with_entry(entries, ledger, entry)})
    lay_in(target, paths.inbox, target.name)
    return rows


def _read_table(
    params: Params, fact: str, standing: Entry | None, target: Path, now: datetime
) -> tuple[int, dict[str, str] | None]:
    """The rows of a fact's table since an entry, written; and the mark as JSON holds it."""
    from remote.database import connected
    from remote.increments import Wanted, write_increment
    from remote.marks import not_ahead, read, written

    sql, files = params.source.sql, params.source.files
    table = sql.facts[fact]  # type: ignore[index]  -- of _facts
    wanted = Wanted(columns_wanted(fact, files), day_column(fact, files), files.time_zone)
    mark = standing["mark"] if standing else None
    since = read(mark) if mark else None
    with disk_refusals(target.parent), connected(sql.url_env, is_reading=True) as con:
        increment = write_increment(con, table, wanted, since, target, sql.batch_rows)
    if not increment.rows and since is None:
        raise BadInput(
            f"source.sql.facts.{fact} has no row ({table.table or 'its query'}). Is it the right "
            "table, and may this user see its rows?"
        )
    if increment.mark is None:
        return increment.rows, None
    return increment.rows, written(not_ahead(increment.mark, now))


def _fetch_objects(params: Params, paths: Paths, folder: Path, found: Fetched, whole: bool) -> None:
    source = store_name(params.source)
    before = {} if whole else read_fetched(paths.fetched, source)
    known = {one["key"]: one["version"] for one in before.get(OBJECTS, [])}
    try:
        for name, bring in _objects_of(params.source, known, found.notes):
            try:
                one = bring(folder / "object")
            except BadInput as error:
                found.failed[one_line(name)] = error
                continue
            is_static = _is_static(name, params.source)
            laid = lay_in(folder / "object", paths.inbox, name, replaces=is_static)
            found.rows[laid.name] = None
            known |= {one.key: one.version}
            entries = [{"key": key, "version": version} for key, version in known.items()]
            write_fetched(paths.fetched, source, {OBJECTS: entries})
    except (BadInput, RemoteUnreachable) as error:
        found.failed[params.source.bucket or OBJECTS] = error


def _objects_of(
    source: SourceParams, known: dict[str, str], notes: list[str]
) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """The name of each new object whose name says what it holds, and what brings it to a path."""
    from remote.bucket import bucket_at

    bucket = bucket_at(source.bucket or "")
    objects, deeper = bucket.objects()
    if deeper:
        notes.append(f"left_in_bucket: {deeper} objects lie in folders, which are not read")
    strange = [one.name for one in objects if not _is_ours(one.name, source)]
    if strange:
        notes.append(
            f"left_in_bucket: {len(strange)} objects whose names fit no pattern of source.files, "
            f"{one_line(', '.join(strange[:3]))[:200]} among them"
        )
    for one in objects:
        if known.get(one.key) == one.version or not _is_ours(one.name, source):
            continue

        def bring(target: Path, one: Any = one) -> Any:
            bucket.bring(one, target, source.max_unpacked_mb)
            if one.written_at is not None:  # of two that state a day the newer holds
                moment = one.written_at.timestamp()
                os.utime(target, (moment, moment))
            return one

        yield one.name, bring


def _is_ours(name: str, source: SourceParams) -> bool:
    if is_left_alone(name) or is_unfinished(name):
        return False
    return fact_of(Path(name), source) is not None or _is_static(name, source)


def _is_static(name: str, source: SourceParams) -> bool:
    """Whether it is the file that is read beside others, and stays in the inbox."""
    return source.files.static is not None and fits(name, source.files.static)


def _facts(source: SourceParams) -> list[str]:
    """The facts that are fetched, plans before the sales they explain."""
    return [fact for fact in FACTS if fact in source.sql.facts]


@contextmanager
def _scratch(paths: Paths) -> Iterator[Path]:
    folder = paths.staging / "fetch"
    shutil.rmtree(folder, ignore_errors=True)
    with disk_refusals(paths.staging):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
