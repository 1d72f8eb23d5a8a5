"""The series and the hierarchy they stand in; its columns are as many as the source names."""

from __future__ import annotations

import duckdb
import polars as pl

from contract.errors import ContractBroken
from contract.frames import SERIES
from contract.panel import UNPLACED
from storage.schema import create_series_view, quoted

_TAKEN = {"unique_id", "first_sale", "last_sale", "lifecycle"}


def write_series(
    con: duckdb.DuckDBPyConnection, series: pl.DataFrame, *, only_new: bool = False
) -> None:
    """Add series and their hierarchy columns; of a known series the values that are given replace
    the old ones.

    `only_new`: a known series stays where it stands.
    """
    names = [name for name in series.columns if name != "unique_id"]
    add_columns(con, names)
    con.register(
        "incoming_series", SERIES.conform(series).with_columns(pl.col(names).cast(pl.String))
    )
    columns = ", ".join(quoted(name) for name in ["unique_id", *names])
    update = ", ".join(
        f"{quoted(name)} = coalesce(excluded.{quoted(name)}, {quoted(name)})" for name in names
    )
    con.execute(
        f"insert into series_attributes ({columns}) select {columns} from incoming_series "  # noqa: S608 -- quoted
        f"on conflict (unique_id) do {'update set ' + update if names and not only_new else 'nothing'}"
    ).fetchall()
    con.unregister("incoming_series")


def read_series(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """SERIES: unique_id and the hierarchy's columns, sorted; nothing that changes with the day. No
    place is a group, too.
    """
    columns = ", ".join(quoted(name) for name in ["unique_id", *hierarchy_columns(con)])
    series = con.sql(f"select {columns} from series_attributes order by unique_id").pl()  # noqa: S608 -- quoted names
    return series.with_columns(pl.col(pl.String).fill_null(UNPLACED))


def hierarchy_columns(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The hierarchy's columns, by name."""
    query = "select column_name from duckdb_columns() where table_name = 'series_attributes' order by column_name"
    return [name for (name,) in con.execute(query).fetchall() if name != "unique_id"]


def add_columns(con: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Hierarchy columns that are not there yet; a name the store uses itself is refused. Call it
    inside a transaction.
    """
    known = {name.lower() for name in hierarchy_columns(con)}
    if len({name.lower() for name in names}) < len(names):
        raise ContractBroken(
            f"hierarchy columns {names} differ in case alone. Rename one in params.yaml."
        )
    missing = [name for name in names if name.lower() not in known]
    taken = [name for name in missing if name.lower() in _TAKEN]
    if taken:
        raise ContractBroken(
            f"hierarchy columns {taken} have names the store uses itself. Rename them in params.yaml."
        )
    for name in missing:
        con.execute(f"alter table series_attributes add column {quoted(name)} varchar").fetchall()
        comment = f"comment on column series_attributes.{quoted(name)} is 'a level of the hierarchy, named by the source'"
        con.execute(comment).fetchall()
    if missing:
        create_series_view(con, hierarchy_columns(con))
