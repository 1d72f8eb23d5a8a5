"""Rows of a table or query that are new, as one Parquet file: whole or not at all, in bounded
memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, or_, select

from contract.errors import SourceMissing
from contract.params import TableParams
from remote.marks import Mark, can_follow, less_overlap, mark_of
from remote.tables import need, rows_of
from remote.values import common_kind, series_of
from remote.whole_days import in_whole_days

_ROW_GROUP = 200_000  # rows


@dataclass(frozen=True)
class Wanted:
    """What is read of a table: the columns that the mapping names, and the one that says the day if
    whole days are read. `time_zone`: of days that are moments with an offset.
    """

    columns: frozenset[str]
    day: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True)
class Increment:
    """What was read: rows, and how far; no mark of a table without watermark."""

    rows: int
    mark: Mark | None


def write_increment(
    con: Connection,
    source: TableParams,
    wanted: Wanted,
    since: Mark | None,
    target: Path,
    batch_rows: int,
) -> Increment:
    """The rows from a mark on (less the overlap; None: all), and those without a watermark, as a
    Parquet file at `target`; no file where there are none. All rows, too, where the table was made
    anew. SourceMissing for a watermark or day that is no column, BadInput for values that have no
    order.
    """
    rows, watermark = rows_of(con, source), source.watermark
    need(rows, [watermark, wanted.day if watermark else None])
    mark = _highest(con, rows, watermark) if watermark else None
    chosen = [name for name in rows.c.keys() if name in wanted.columns]  # noqa: SIM118 -- no dict
    if not chosen:
        raise SourceMissing(
            f"none of its columns {list(rows.c.keys())[:20]} is mapped. Change source.files in "
            "shop.yaml."
        )
    query = select(*(rows.c[name] for name in chosen))
    if watermark and since is not None and _goes_on(mark, since, source.overlap):
        is_new = _is_new(rows.c[watermark], less_overlap(since, source.overlap))
        if wanted.day is not None:
            is_new = in_whole_days(con, rows, is_new, wanted.day, wanted.time_zone)
        query = query.where(is_new)
    if since is not None or mark is None:
        query = query.order_by(*(rows.c[name] for name in chosen))  # equal rows, an equal file
    count = _write_parts(con, query, target, batch_rows)
    return Increment(count, since if mark is None else mark)


def _is_new(watermark: ColumnElement[Any], since: Mark) -> ColumnElement[bool]:
    """A row without a watermark may be new: nothing says that it is not."""
    return or_(watermark >= since, watermark.is_(None))


def _goes_on(mark: Mark | None, since: Mark, overlap: float | None) -> bool:
    return mark is None or can_follow(mark, since, overlap)


def _highest(con: Connection, rows: FromClause, watermark: str) -> Mark | None:
    value = con.execute(select(func.max(rows.c[watermark]))).scalar()
    return None if value is None else mark_of(value, watermark)


def _write_parts(con: Connection, query: Select[Any], target: Path, batch_rows: int) -> int:
    """The rows as parts of what memory holds, then as one file of one schema."""
    folder = target.with_name(f".{target.name}.parts")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = 0
    streamed = con.execution_options(stream_results=True, max_row_buffer=batch_rows)
    with streamed.execute(query) as result:
        names = list(result.keys())
        for number, batch in enumerate(result.partitions(batch_rows)):
            columns = zip(*batch, strict=True)
            frame = pl.DataFrame(
                [series_of(name, values) for name, values in zip(names, columns, strict=True)]
            )
            frame.write_parquet(folder / f"{number:06d}.parquet")
            count += frame.height
    if count:
        _join(sorted(folder.iterdir()), target)
    shutil.rmtree(folder)
    return count


def _join(parts: list[Path], target: Path) -> None:
    schemas = [pl.read_parquet_schema(part) for part in parts]
    kinds = pl.Schema({name: common_kind([one[name] for one in schemas]) for name in schemas[0]})
    scans = [pl.scan_parquet(part, glob=False).cast(kinds) for part in parts]
    pl.concat(scans).sink_parquet(target, row_group_size=_ROW_GROUP, maintain_order=True)
