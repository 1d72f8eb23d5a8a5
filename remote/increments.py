"""Rows of a table or query that are new, as one Parquet file: whole or not at all, in bounded
memory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    column,
    func,
    or_,
    select,
    table,
    text,
)

from contract.errors import BadInput, SourceMissing
from contract.params import TableParams
from contract.written import LOCAL
from remote.marks import Mark, less_overlap, mark_of

_MOST_SPANS = 200  # of days in one condition; more are one span
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
    """The rows from a mark on (less the overlap; None: all) as a Parquet file at `target`; no file
    where there are none. SourceMissing for a watermark or day that is no column, BadInput for
    values that have no order.
    """
    rows, watermark = _rows_of(con, source), source.watermark
    _need(rows, [watermark, wanted.day if watermark else None])
    mark = _highest(con, rows, watermark) if watermark else None
    if watermark and mark is None:
        return Increment(0, None)
    chosen = [name for name in rows.c.keys() if name in wanted.columns]  # noqa: SIM118 -- no dict
    if not chosen:
        raise SourceMissing(
            f"none of its columns {list(rows.c.keys())[:20]} is mapped. Change source.files in "
            "shop.yaml."
        )
    query = select(*(rows.c[name] for name in chosen))
    if since is not None and watermark:
        is_new = rows.c[watermark] >= less_overlap(since, source.overlap)
        query = query.where(_with_whole_days(con, rows, is_new, wanted))
    if since is not None or not watermark:
        query = query.order_by(*(rows.c[name] for name in chosen))  # equal rows, an equal file
    count = _write_parts(con, query, target, batch_rows)
    return Increment(count, mark)


def _rows_of(con: Connection, source: TableParams) -> FromClause:
    """The table or query as something to select from, with the columns it has now."""
    if source.query is not None:
        # a colon is no name of a parameter: nothing is put into the user's own query
        statement = re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", source.query.strip().rstrip(";"))
        # the user's own text, in brackets and on a connection for reading
        none_of = text(f"select * from ({statement}) own where 1 = 0")  # noqa: S608 -- theirs
        names = list(con.execute(none_of).keys())
        own = text(statement).columns(*(column(name) for name in names))
        return own.subquery("own")
    schema, _, name = (source.table or "").rpartition(".")
    bare = table(name, schema=schema or None)
    names = list(con.execute(select(text("*")).select_from(bare).where(text("1 = 0"))).keys())
    return table(name, *(column(one) for one in names), schema=schema or None)


def _need(rows: FromClause, names: Iterable[str | None]) -> None:
    for name in names:
        if name is not None and name not in rows.c:
            raise SourceMissing(
                f"there is no column '{name}'; there are {list(rows.c.keys())[:20]}. "
                "Change source.sql.facts or source.files.columns in shop.yaml."
            )


def _highest(con: Connection, rows: FromClause, watermark: str) -> Mark | None:
    value = con.execute(select(func.max(rows.c[watermark]))).scalar()
    return None if value is None else mark_of(value, watermark)


def _with_whole_days(
    con: Connection, rows: FromClause, is_new: ColumnElement[bool], wanted: Wanted
) -> ColumnElement[bool]:
    """The condition of what is read: new rows, or all rows of the days that new ones have."""
    if wanted.day is None:
        return is_new
    day = rows.c[wanted.day]
    found = con.execute(select(day).where(is_new, day.is_not(None)).distinct())
    values = list(found.scalars())
    first = values[0] if values else None
    if isinstance(first, datetime) or (isinstance(first, str) and len(first) > len("2026-01-31")):
        return or_(is_new, *_spans(day, values, wanted.time_zone))
    touched = select(day).where(is_new).subquery("touched")
    return or_(is_new, day.in_(select(touched.c[wanted.day])))


def _spans(
    day: ColumnElement[Any], values: Sequence[object], time_zone: str | None
) -> Iterator[ColumnElement[bool]]:
    """Conditions of the whole local days that these moments lie in."""
    zone = ZoneInfo(time_zone) if time_zone and time_zone != LOCAL else ZoneInfo("UTC")
    days = sorted({_day_of(value, zone) for value in values})
    is_text = isinstance(values[0], str)
    is_aware = isinstance(values[0], datetime) and values[0].tzinfo is not None
    for first, last in _joined(days):
        after = last + timedelta(days=1)
        low, high = (
            str(one) if is_text else datetime.combine(one, time(), zone if is_aware else None)
            for one in (first, after)
        )
        yield and_(day >= low, day < high)


def _day_of(value: object, zone: ZoneInfo) -> date:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None:
            raise BadInput(
                f"whole days cannot be read by {value[:40]!r}: text that is no ISO moment without "
                "an offset. Make the column a day in a query (source.sql.facts.sales.query)."
            )
        return moment.date()
    if isinstance(value, datetime):
        return (value.astimezone(zone) if value.tzinfo else value).date()
    raise BadInput(f"the column of days holds moments and {str(value)[:40]!r}. Make it one type.")


def _joined(days: list[date]) -> list[tuple[date, date]]:
    """Spans of days that follow each other; one span of all where there are too many."""
    spans: list[tuple[date, date]] = []
    for one in days:
        if spans and one - spans[-1][1] <= timedelta(days=1):
            spans[-1] = (spans[-1][0], one)
        else:
            spans.append((one, one))
    return spans if len(spans) <= _MOST_SPANS else [(days[0], days[-1])]


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
                [_series(name, values) for name, values in zip(names, columns, strict=True)]
            )
            frame.write_parquet(folder / f"{number:06d}.parquet")
            count += frame.height
    if count:
        _join(sorted(folder.iterdir()), target)
    shutil.rmtree(folder)
    return count


def _series(name: str, values: tuple[object, ...]) -> pl.Series:
    """A column as its driver gave it; as text where it holds several types, or one nobody knows."""
    try:
        column = pl.Series(name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        column = None
    if column is None or column.dtype == pl.Object:
        return pl.Series(name, [_as_text(value) for value in values], pl.String)
    return column


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _join(parts: list[Path], target: Path) -> None:
    schemas = [pl.read_parquet_schema(part) for part in parts]
    kinds = pl.Schema({name: _common([one[name] for one in schemas]) for name in schemas[0]})
    scans = [pl.scan_parquet(part, glob=False).cast(kinds) for part in parts]
    pl.concat(scans).sink_parquet(target, row_group_size=_ROW_GROUP, maintain_order=True)


def _common(kinds: list[pl.DataType]) -> pl.DataType:
    """The type of a column whose parts may differ: what two types share without loss, else text."""
    there = {kind for kind in kinds if kind != pl.Null}
    if len(there) == 1:
        return there.pop()
    if not there:
        return pl.String()
    return pl.Float64() if there == {pl.Int64(), pl.Float64()} else pl.String()
