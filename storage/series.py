"""The series, the hierarchy they stand in and what they are called; columns are as many as the
source names.
"""

from __future__ import annotations

import polars as pl

from contract.errors import ContractBroken
from contract.frames import SERIES
from contract.names import PREFIX, is_name
from contract.panel import UNPLACED
from storage.connection import Connection, frame_of, registered
from storage.schema import create_series_view, quoted, quoted_text

_LEVEL = "a level of the hierarchy, named by the source"
_NAME = "what people call its codes, named by the source"
_RESERVED = {"unique_id", "first_sale", "last_sale", "lifecycle"}


def write_series(con: Connection, series: pl.DataFrame, *, only_new: bool = False) -> None:
    """Add series and their columns, levels and names; a series that is there gets the values that
    are not null, and each group of a level one name.

    `only_new`: a series that is there stays where it stands.
    """
    names = [name for name in series.columns if name != "unique_id"]
    add_columns(con, names)
    incoming = SERIES.conform(series).with_columns(pl.col(names).cast(pl.String))
    columns = ", ".join(quoted(name) for name in ["unique_id", *names])
    update = ", ".join(
        f"{quoted(name)} = coalesce(excluded.{quoted(name)}, {quoted(name)})" for name in names
    )
    action = "nothing" if only_new or not names else f"update set {update}"
    statement = f"""
        insert into series_attributes ({columns}) select {columns} from incoming
        on conflict (unique_id) do {action}"""  # noqa: S608 -- quoted
    with registered(con, incoming=incoming):
        con.execute(statement).fetchall()
        if not only_new:
            _name_groups(con, names)


def _name_groups(con: Connection, columns: list[str]) -> None:
    """What `incoming` calls the groups of a level, for their other series, too."""
    levels = [name for name in columns if PREFIX + name in columns]
    for level in levels:
        group, name = quoted(level), quoted(PREFIX + level)
        statement = f"""
            update series_attributes set {name} = named.{name}
            from (select distinct {group}, {name} from incoming where {name} is not null) named
            where series_attributes.{group} = named.{group}
              and series_attributes.{name} is distinct from named.{name}"""  # noqa: S608 -- quoted
        con.execute(statement).fetchall()


def read_series(con: Connection) -> pl.DataFrame:
    """SERIES: unique_id and the hierarchy's columns, sorted; a null in one is the group UNPLACED.

    Nothing that changes with the day: see the view `series` for first and last sale.
    """
    columns = ", ".join(quoted(name) for name in ["unique_id", *hierarchy_columns(con)])
    series = frame_of(con, f"select {columns} from series_attributes order by unique_id")  # noqa: S608 -- quoted
    return series.with_columns(pl.col(pl.String).fill_null(UNPLACED))


def read_names(con: Connection) -> pl.DataFrame:
    """unique_id and columns as in contract.names, of the series that are called anything."""
    columns = [name for name in _columns(con) if is_name(name)]
    if not columns:
        return SERIES.empty()
    shown = ", ".join(quoted(name) for name in ["unique_id", *columns])
    names = frame_of(con, f"select {shown} from series_attributes order by unique_id")  # noqa: S608 -- quoted
    return names.filter(pl.any_horizontal(pl.col(columns).is_not_null()))


def hierarchy_columns(con: Connection) -> list[str]:
    """The hierarchy's columns, by name."""
    return [name for name in _columns(con) if not is_name(name)]


def _columns(con: Connection) -> list[str]:
    query = """
        select column_name from duckdb_columns() where table_name = 'series_attributes'
        order by column_name"""
    return [name for (name,) in con.execute(query).fetchall() if name != "unique_id"]


def add_columns(con: Connection, names: list[str]) -> None:
    """Add the columns of levels and names that are not there yet. Call it inside a transaction.

    ContractBroken for a name the store uses itself, and for names that differ in case alone.
    """
    present = {name.lower() for name in _columns(con)}
    if len({name.lower() for name in names}) < len(names):
        raise ContractBroken(
            f"hierarchy columns {names} differ in case alone. Rename one in shop.yaml."
        )
    missing = [name for name in names if name.lower() not in present]
    reserved = [name for name in missing if name.lower() in _RESERVED]
    if reserved:
        raise ContractBroken(
            f"hierarchy columns {reserved} have names the store uses itself. Rename them in "
            "shop.yaml."
        )
    for name in missing:
        column = quoted(name)
        con.execute(f"alter table series_attributes add column {column} varchar").fetchall()
        words = quoted_text(_NAME if is_name(name) else _LEVEL)
        con.execute(f"comment on column series_attributes.{column} is {words}").fetchall()
    if missing:
        create_series_view(con, _columns(con))
