"""The store as a file: opened for a short while, waited for politely, brought up to date, refused
when damaged or too new.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from contract.errors import SourceMissing, StoreBroken, StoreBusy
from runtime.disk import disk_refusals
from storage.connection import Connection
from storage.holder import pid_in, process_name
from storage.migrations import can_migrate, is_empty, migrate, version_of
from storage.schema import SCHEMA_VERSION, create_new

SET_ASIDE = "stores"  # beside the store: those of other sources
COMMITTED = "committed"  # the file of a journal that names its newest committed entry
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # a larger sort goes to disk: reading 13.6M rows held 1.2 GB instead of 2.4
    "memory_limit": "500MB",
}
_HELD = "Conflicting lock is held"
_DAMAGED = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.FatalException,
    duckdb.InternalException,
)


@contextmanager
def open_store(path: Path, wait_s: float = 30.0, read_only: bool = False) -> Iterator[Connection]:
    """A connection to the store, created where absent. Keep it short: while a writer holds it
    nobody else can read.

    StoreBusy after `wait_s` names the holder; StoreBroken says what to do about a file that is
    damaged or gone, or of an unknown schema; SourceMissing when there is nothing to read;
    DiskRefused when the disk is full or takes no writing.
    """
    with disk_refusals(path):
        con = _connect(path, wait_s, read_only)
        try:
            if read_only and _is_unfinished(con, path):
                con.close()
                with open_store(path, wait_s):  # a reader can neither migrate nor create
                    pass
                con = _connect(path, wait_s, read_only)
            _check_schema(con, path, read_only)
            yield con
        except _DAMAGED as error:  # the file opened, and a block inside it does not read
            raise _broken(path, error) from error
        finally:
            con.close()


@contextmanager
def read_store(path: Path, wait_s: float = 30.0) -> Iterator[Connection]:
    """A connection for reading alone; where there is no store yet an empty one is read, none is
    made.
    """
    if path.exists():
        with open_store(path, wait_s, read_only=True) as con:
            yield con
    else:
        _refuse_gone(path)
        with duckdb.connect(config=_SETTINGS) as con:
            create_new(con)
            yield con


def refuse_older(path: Path, wait_s: float) -> None:
    """StoreBroken for a store of an older schema: a dry run writes nothing at all."""
    if not path.exists():
        return
    with disk_refusals(path):
        con = _connect(path, wait_s, read_only=True)
        try:
            is_older = _is_unfinished(con, path)
        finally:
            con.close()
    if is_older:
        raise StoreBroken(
            f"the store '{path}' is of an older schema; whoever opens it brings it up to date, and "
            "--dry-run writes nothing. Run `python inference.py snapshot` first."
        )


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """All statements inside, or none of them. Does not nest."""
    con.execute("begin transaction").fetchall()
    try:
        yield
        con.execute("commit").fetchall()
    except BaseException:
        with suppress(duckdb.Error):  # a connection that broke has taken everything back already
            con.execute("rollback").fetchall()
        raise


def source_of(con: Connection) -> str | None:
    """The source this store belongs to; None for a store nobody has claimed."""
    row = con.execute("select value from meta where key = 'source'").fetchall()
    return row[0][0] if row else None


def claim(con: Connection, source: str) -> None:
    """Write down that this store belongs to `source`; StoreBroken if it belongs to another one."""
    if source_of(con) is None:
        _refuse_lost(con, source)
        con.execute("insert into meta values ('source', $source)", {"source": source}).fetchall()
    check_owner(con, source)


def check_owner(con: Connection, source: str) -> None:
    """StoreBroken if the store belongs to another source."""
    if (owner := source_of(con)) != source:
        raise StoreBroken(
            f"the store belongs to source '{owner}', params.yaml says '{source}'. Nothing is "
            "mixed: run `python ingest.py source --use KIND`, or `fill`, which set the other store "
            "aside."
        )


def file_of(con: Connection) -> Path:
    """The file a connection writes."""
    query = "select path from duckdb_databases() where database_name = current_database()"
    return Path(con.execute(query).fetchall()[0][0])


def journal_of(store: Path, source: str) -> Path:
    """Where the journal of a source's store lies, also while the store is set aside for another."""
    return store.parent / "journal" / source


def _refuse_lost(con: Connection, source: str) -> None:
    """StoreBroken for a new store where a journal holds an old one: filled anew it would forget
    all of it.
    """
    journal = journal_of(file_of(con), source)
    if _holds_a_store(journal):
        raise StoreBroken(
            f"the store '{file_of(con)}' is new, but '{journal}' says what one held before it. Run "
            "`make rebuild` to have that one back; to begin anew, move the journal away."
        )


def _refuse_gone(path: Path) -> None:
    """StoreBroken where there is no store any more: a journal lies beside it whose store is neither
    there nor set aside.
    """
    if path.exists():
        return
    for journal in sorted(journal_of(path, "*").parent.glob("*")):
        is_set_aside = (path.parent / SET_ASIDE / f"{journal.name}.duckdb").exists()
        if _holds_a_store(journal) and not is_set_aside:
            raise StoreBroken(
                f"the store '{path}' is gone; '{journal}' says what it held. Run `make rebuild` to "
                "have it back; to begin anew, move the journal away."
            )


def _holds_a_store(journal: Path) -> bool:
    """Whether a store can be made of it: more than one entry, or one that was committed."""
    entries = len(list(journal.glob("[0-9]*")))
    return entries > 1 or (entries == 1 and (journal / COMMITTED).exists())


def _connect(path: Path, wait_s: float, read_only: bool) -> Connection:
    _refuse_gone(path)
    if read_only and not path.exists():
        raise SourceMissing(f"there is no store '{path}' yet. Fill one: `python ingest.py fill`.")
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline, pause_s = time.monotonic() + wait_s, _FIRST_PAUSE_S
    while True:
        try:
            with disk_refusals(path):
                before = _identity(path)
                con = duckdb.connect(path, read_only=read_only, config=_SETTINGS)
            if before in (None, _identity(path)):
                return con
            con.close()  # compacted meanwhile: what was opened is the file before, and has no name
            continue
        except duckdb.Error as error:
            if _HELD not in str(error):
                raise _broken(path, error) from error
            if time.monotonic() >= deadline:
                holder = process_name(pid_in(str(error)))
                raise StoreBusy(
                    f"the store '{path}' is held by {holder}; waited {wait_s:g} s. "
                    "Try again when it has ended, or raise ingest.lock_wait_s."
                ) from error
        time.sleep(min(pause_s, max(deadline - time.monotonic(), 0)))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file has this name; None: none has."""
    try:
        said = path.stat()
    except FileNotFoundError:
        return None
    return said.st_dev, said.st_ino


def _broken(path: Path, error: Exception) -> StoreBroken:
    """The refusal of a file that is no readable store."""
    return StoreBroken(
        f"the store '{path}' cannot be read: {str(error).splitlines()[0]} Run `make rebuild`: it "
        "sets the file aside and makes the store again from its journal."
    )


def _is_unfinished(con: Connection, path: Path) -> bool:
    """Whether a store is of older code, or a file in which the power went before its tables were
    made.
    """
    try:
        version = version_of(con)
        return can_migrate(version) or (version is None and is_empty(con))
    except duckdb.Error as error:
        raise _broken(path, error) from error


def _check_schema(con: Connection, path: Path, read_only: bool) -> None:
    """Create the tables of a new store, bring an older one up to date; StoreBroken for one this
    code does not know.
    """
    try:
        version = version_of(con)
        if version == SCHEMA_VERSION:
            return
        is_new = version is None and is_empty(con)
        if read_only or not (is_new or can_migrate(version)):
            raise StoreBroken(
                f"the store '{path}' has schema version {version or 'none'}, this code reads "
                f"{SCHEMA_VERSION} and older. Check out the code that wrote it, or move the file "
                "away and run `make rebuild`."
            )
        with transaction(con):
            if version is None:
                create_new(con)
            else:
                migrate(con, version)
    except duckdb.Error as error:
        raise _broken(path, error) from error
