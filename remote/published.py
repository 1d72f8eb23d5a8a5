"""Tables of ours in somebody else's database: a delivery is there whole, once, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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
    delete,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from contract.errors import BadInput
from contract.frames import FORECASTS, ORDERS, FrameContract

PREFIX = "tillcast_"
_LINES = f"{PREFIX}deliveries"
_CHUNK = 20_000  # rows sent at once; bounds memory
_KEY_LENGTH = 200  # characters of a text in a key: what every database can index


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

    BadInput where a table of that name has other columns.
    """
    tables = _tables(schema)
    _make(con, tables)
    lines = tables[_LINES]
    known = select(lines.c.content).where(lines.c.run_id == delivery.run_id)
    if con.execute(known).scalar() == delivery.content:
        con.rollback()
        return False
    # the line first: of two that deliver at once the second waits here, or is refused by its key
    con.execute(delete(lines).where(lines.c.run_id == delivery.run_id))
    rows = {name: frame.height for name, frame in delivery.frames.items()}
    con.execute(
        insert(lines).values(
            run_id=delivery.run_id,
            content=delivery.content,
            delivered_at=delivery.delivered_at,
            forecasts=rows["forecasts"],
            orders=rows["orders"],
        )
    )
    for name, frame in delivery.frames.items():
        _replace(con, tables[f"{PREFIX}{name}"], frame, delivery.run_id)
    _forget(con, tables, keep_runs)
    con.commit()
    return True


def _tables(schema: str | None) -> dict[str, Table]:
    known = MetaData(schema=schema)
    for contract, key in ((FORECASTS, FORECASTS.key), (ORDERS, ("run_id", *ORDERS.key))):
        columns = [_column(name, contract, name in key) for name in contract.schema]
        table = Table(f"{PREFIX}{contract.name}", known, *columns)
        Index(f"{table.name}_by_day", table.c["ds" if "ds" in table.c else "order_day"])
    Table(
        _LINES,
        known,
        Column("run_id", String(_KEY_LENGTH), primary_key=True),
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
    text = String(_KEY_LENGTH) if in_key else String(2000)
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
    con.commit()


def _replace(con: Connection, table: Table, frame: pl.DataFrame, run_id: str) -> None:
    con.execute(delete(table).where(table.c.run_id == run_id))
    for chunk in frame.select(list(table.c.keys())).iter_slices(_CHUNK):
        con.execute(insert(table), chunk.to_dicts())


def _forget(con: Connection, tables: Mapping[str, Table], keep_runs: int) -> None:
    """Runs older than the newest ones, out of every table."""
    lines = tables[_LINES]
    newest = select(lines.c.run_id).order_by(lines.c.delivered_at.desc(), lines.c.run_id)
    old = list(con.execute(newest).scalars())[keep_runs:]
    for table in tables.values() if old else ():
        con.execute(delete(table).where(table.c.run_id.in_(old)))
