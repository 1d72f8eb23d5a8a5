"""Tables of ours in somebody else's database: a delivery is there whole, once, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import polars as pl
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Index,
    MetaData,
    String,
    Table,
    Text,
    delete,
    exc,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from contract.errors import BadInput, RemoteUnreachable
from contract.frames import FORECASTS, ORDERS, OVERRIDDEN, FrameContract

PREFIX = "tillcast_"
_LINES = f"{PREFIX}deliveries"
_KEYS = (  # of a row there, where the rows of many runs are
    (FORECASTS, FORECASTS.key),
    (ORDERS, ("run_id", *ORDERS.key)),
    (OVERRIDDEN, ("run_id", "unique_id", "ds")),
)
_CHUNK = 20_000  # rows sent at once; bounds memory
_WITHOUT_LENGTH = ("postgresql", "sqlite")  # they index a text of any length
# characters of a text in a key: what every other database can index
_KEY = String(200).with_variant(Text(), *_WITHOUT_LENGTH)


@dataclass(frozen=True)
class Delivery:
    """What is delivered: a run, its tables by name, when, and a hash of all their values."""

    run_id: str
    content: str
    delivered_at: datetime
    frames: Mapping[str, pl.DataFrame]


def publish(con: Connection, delivery: Delivery, schema: str | None, keep_runs: int) -> bool:
    """Whether anything was written: the rows and the line of a run, in place of those before it, in
    one transaction; older runs beyond `keep_runs` go. The same content again changes nothing.

    BadInput where a table of that name has other columns, RemoteUnreachable where another process
    delivers the same at the same time.
    """
    tables = _tables(schema)
    try:
        _make(con, tables)
        if _is_there(con, tables, delivery):
            con.rollback()
            return False
        _replace_line(con, tables[_LINES], delivery)
    except exc.SQLAlchemyError as error:
        if not _is_of_two_at_once(error):
            raise
        raise RemoteUnreachable(
            f"another process makes these tables or delivers run {delivery.run_id} at the same "
            "time. Run the same command again when it has ended."
        ) from None
    for name, frame in delivery.frames.items():
        _replace(con, tables[f"{PREFIX}{name}"], frame, delivery.run_id)
    _forget(con, tables, delivery.run_id, keep_runs)
    con.commit()
    return True


def _is_there(con: Connection, tables: Mapping[str, Table], delivery: Delivery) -> bool:
    """Whether the line of the run names this content, and all its rows are there."""
    lines = tables[_LINES]
    known = select(lines.c.content).where(lines.c.run_id == delivery.run_id)
    if con.execute(known).scalar() != delivery.content:
        return False
    for name, frame in delivery.frames.items():
        table = tables[f"{PREFIX}{name}"]
        rows = select(func.count()).where(table.c.run_id == delivery.run_id)
        if con.execute(rows).scalar() != frame.height:
            return False
    return True


def _replace_line(con: Connection, lines: Table, delivery: Delivery) -> None:
    # the line first: of two that deliver at once the second waits here, or is refused by its key
    con.execute(delete(lines).where(lines.c.run_id == delivery.run_id))
    rows = {name: delivery.frames[name].height for name in ("forecasts", "orders")}
    line = {"run_id": delivery.run_id, "content": delivery.content}
    con.execute(insert(lines).values(**line, delivered_at=delivery.delivered_at, **rows))


def _is_of_two_at_once(error: exc.SQLAlchemyError) -> bool:
    """Whether a key or a table is there that was not a moment ago."""
    said = str(getattr(error, "orig", None) or error)
    return isinstance(error, exc.IntegrityError) or "already exists" in said


def _tables(schema: str | None) -> dict[str, Table]:
    known = MetaData(schema=schema)
    for contract, key in _KEYS:
        columns = [_column(name, contract, name in key) for name in contract.schema]
        Table(f"{PREFIX}{contract.name}", known, *columns)
    Table(
        _LINES,
        known,
        Column("run_id", _KEY, primary_key=True),
        Column("content", String(64), nullable=False),
        Column("delivered_at", DateTime, nullable=False),
        Column("forecasts", BigInteger, nullable=False),
        Column("orders", BigInteger, nullable=False),
    )
    return {table.name: table for table in known.tables.values()}


def _column(name: str, contract: FrameContract, in_key: bool) -> Column[Any]:
    kind = contract.schema[name]
    types: dict[pl.DataType, TypeEngine[Any]] = {
        pl.Date(): Date(), pl.Float64(): Double(), pl.Boolean(): Boolean(),
    }  # fmt: skip
    if isinstance(kind, pl.Datetime):
        return Column(name, DateTime)
    if kind.is_integer():
        return Column(name, BigInteger)
    text = _KEY if in_key else String(2000).with_variant(Text(), *_WITHOUT_LENGTH)
    return Column(name, types.get(kind, text), primary_key=in_key)


def _make(con: Connection, tables: Mapping[str, Table]) -> None:
    """The tables that are missing, made in a transaction of their own where the database has one
    for them.
    """
    there = inspect(con)
    missing = [one for one in tables.values() if not there.has_table(one.name, schema=one.schema)]
    for table in tables.values():
        if table in missing:
            continue
        columns = {one["name"] for one in there.get_columns(table.name, schema=table.schema)}
        if lacking := [name for name in table.c.keys() if name not in columns]:  # noqa: SIM118
            raise BadInput(
                f"the table '{table.name}' of that database lacks {lacking}. It is of another "
                "version or somebody else's: rename it, and a new one is made."
            )
    for table in missing:
        table.create(con)
        _index_by_day(con, table)
    con.commit()


def _index_by_day(con: Connection, table: Table) -> None:
    """Under a name that is free: a table that was renamed keeps those of its indexes."""
    if (day := next((table.c[one] for one in ("ds", "order_day") if one in table.c), None)) is None:
        return
    there = inspect(con).get_multi_indexes(schema=table.schema)
    taken = {one["name"] for indexes in there.values() for one in indexes}
    names = (f"{table.name}_by_day{number or ''}" for number in count())
    Index(next(name for name in names if name not in taken), day).create(con)


def _replace(con: Connection, table: Table, frame: pl.DataFrame, run_id: str) -> None:
    con.execute(delete(table).where(table.c.run_id == run_id))
    for chunk in frame.select(list(table.c.keys())).iter_slices(_CHUNK):
        con.execute(insert(table), chunk.to_dicts())


def _forget(con: Connection, tables: Mapping[str, Table], run_id: str, keep_runs: int) -> None:
    """Runs older than the newest ones, out of every table; never this one, whatever the clocks of
    those before it said.
    """
    lines = tables[_LINES]
    others = select(lines.c.run_id).where(lines.c.run_id != run_id)
    newest = others.order_by(lines.c.delivered_at.desc(), lines.c.run_id)
    old = list(con.execute(newest).scalars())[keep_runs - 1 :]
    for table in tables.values() if old else ():
        con.execute(delete(table).where(table.c.run_id.in_(old)))
