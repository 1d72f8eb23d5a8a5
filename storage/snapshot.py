"""A copy of the store for dashboards: they read it as long as they like, and no writer waits.

A new one is made of the one before the last: block by block it is compared with the store, and only
the blocks that differ are written. Whatever that file was, and wherever its writing was cut before,
it is then the store's; it gets the views, and takes the place of the last one in one step.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl

from runtime.disk import disk_refusals, flush_to_disk
from storage.connection import Connection, frame_of
from storage.holder import holder_of
from storage.newest import NEWEST_OF_ORIGINS
from storage.overrides import FINAL_VIEW
from storage.schema import quoted, quoted_text
from storage.store import open_store, transaction

_READABLE_BY_GROUP, _OURS = 0o440, 0o640
ABANDONED_AFTER_S = 3600
# a reader without DuckDB's lock (cp, rsync) has that long to finish with a copy that was replaced
UNREAD_AFTER_S = 3600
_BLOCK_BYTES = 1 << 18  # DuckDB's

# views a dashboard starts from; in the snapshot alone, so that no store is migrated for one more
VIEWS = {
    "newest_forecasts": (
        "one series and target day: the newest whole table",
        "select * from forecasts where run_id = (select run_id from ("  # noqa: S608 -- ours
        + NEWEST_OF_ORIGINS
        + ") order by origin desc limit 1)",
    ),
    "final_forecasts": (
        "one series and target day of the newest whole table: what is final, the model's mean, and "
        "the override between them (null: none)",
        FINAL_VIEW,
    ),
    "forecasts_long": (
        "one run, series and target day, named as Nixtla's libraries do; y once it is known",
        """
        select f.unique_id, f.ds, f.origin as cutoff, s.y, f.y_hat as tillcast,
               f.q500 as "tillcast-median",
               f.q250 as "tillcast-lo-50", f.q750 as "tillcast-hi-50",
               f.q025 as "tillcast-lo-95", f.q975 as "tillcast-hi-95",
               f.run_id, f.method
        from forecasts f left join sales s using (unique_id, ds)""",
    ),
    "model_registry": (
        "one model: its data, its code, and how many forecasts it made",
        """
        with published as (
            select run_id, day as origin, rows from thinned where published = 'forecasts'
            union all
            select run_id, origin, count(*) from forecasts
            where run_id not in (select run_id from thinned where published = 'forecasts')
            group by run_id, origin
        ), forecast as (
            select r.model_id, count(*) as runs, sum(p.rows)::bigint as forecast_rows,
                   min(p.origin) as first_origin, max(p.origin) as last_origin
            from published p join runs r using (run_id) group by r.model_id
        ), first_run as (
            select model_id, arg_min(git_commit, started_at) as git_commit
            from runs where model_id is not null group by model_id
        )
        select m.model_id, m.kind, m.stage, m.cutoff, m.panel_hash, m.params_hash, m.created_at,
               c.git_commit, coalesce(f.runs, 0) as runs,
               coalesce(f.forecast_rows, 0) as forecast_rows, f.first_origin, f.last_origin
        from models m
        left join forecast f using (model_id)
        left join first_run c using (model_id)""",
    ),
}


def write_snapshot(store: Path, target: Path, wait_s: float) -> int:
    """The size in bytes of a copy of the store at `target`, of its state between two changes.

    Whole or not at all: made beside it and renamed, so that whoever has the one before open keeps
    it. It is read-only, and holds the views of VIEWS. The one replaced stays beside it, for the
    next to be made of.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # its own: two runs may write one at once
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    _remove_abandoned(target)
    with disk_refusals(target):
        _take_former(target, beside)
        with open_store(store, wait_s, read_only=True):  # no writer while the bytes are copied
            _copy(store, beside)
        with duckdb.connect(beside) as con, transaction(con):
            for name, (grain, query) in VIEWS.items():
                view = quoted(name)
                con.execute("create or replace view " + view + " as " + query).fetchall()
                con.execute(f"comment on view {view} is {quoted_text(grain)}").fetchall()
        beside.chmod(_READABLE_BY_GROUP)
        flush_to_disk(beside)
        _keep_former(target)
        beside.replace(target)
        flush_to_disk(target.parent)
    return target.stat().st_size


def model_registry(con: Connection) -> pl.DataFrame:
    """Which model made which forecasts from which data and code, the newest first."""
    query = VIEWS["model_registry"][1] + " order by created_at desc, model_id"
    return frame_of(con, query)


def _take_former(target: Path, beside: Path) -> None:
    """The copy before the last as `beside`, if nobody else has it; one that somebody reads loses
    its name here, and goes with its last reader.
    """
    former = _former(target)
    try:
        replaced_at = former.stat().st_ctime
        former.rename(beside)
    except FileNotFoundError:
        return
    file, is_fresh = beside.stat(), time.time() - replaced_at < UNREAD_AFTER_S
    # two names: whoever was to replace it was killed just before, and it is the last one still
    if is_fresh or file.st_nlink > 1 or file.st_uid != os.geteuid():
        beside.unlink()
        return
    beside.chmod(_OURS)
    if holder_of(beside) is not None:
        beside.unlink()


def _keep_former(target: Path) -> None:
    """The copy that is about to be replaced gets a second name. Where a disk knows none, the next
    copy is written whole.
    """
    former = _former(target)
    former.unlink(missing_ok=True)
    with suppress(OSError):
        former.hardlink_to(target)


def _former(target: Path) -> Path:
    return target.with_name(f".{target.name}.former")


def _copy(store: Path, beside: Path) -> None:
    """The file, and what its log holds that the file does not yet."""
    log, log_beside = (path.with_name(f"{path.name}.wal") for path in (store, beside))
    log_beside.unlink(missing_ok=True)
    # the log first: to close the store's file is to let go of it, by the system's rules
    if log.exists():
        shutil.copyfile(log, log_beside)
    beside.touch()
    with store.open("rb") as source, beside.open("rb+") as copy:
        _write_what_differs(source, copy)


def _write_what_differs(source: BinaryIO, copy: BinaryIO) -> None:
    """`copy` becomes `source`; a block that is the same is read and not written."""
    while block := source.read(_BLOCK_BYTES):
        at = copy.tell()
        if copy.read(len(block)) != block:
            copy.seek(at)
            copy.write(block)
    copy.truncate(source.tell())


def _remove_abandoned(target: Path) -> None:
    """Copies that somebody began long ago and never finished: killed, or without power."""
    for path in target.parent.glob(f".{target.name}.*part*"):
        with suppress(FileNotFoundError):  # another run was there first
            if time.time() - path.stat().st_mtime > ABANDONED_AFTER_S:
                path.unlink()
