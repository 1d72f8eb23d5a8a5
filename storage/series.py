"""The series, the hierarchy they stand in and what they are called; columns are as many as the
source names.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from contract.errors import BadParams
from contract.frames import SERIES
from contract.names import PREFIX, is_name
from contract.panel import UNPLACED
from storage.connection import Connection, frame_of, registered
from storage.schema import create_series_view, quoted, quoted_text
from storage.timelines import is_anything_withdrawn

_LEVEL = "a level of the hierarchy, named by the source"
_NAME = "what people call its codes, named by the source"
_RESERVED = {"unique_id", "first_sale", "last_sale", "lifecycle"}


def write_series(
    con: Connection, series: pl.DataFrame, batch_id: int, *, only_new: bool = False
) -> None:
    """Add series and their columns, levels and names; a series that is there gets the values that
    are not null, and each group of a level one name. What a batch changes is written down.

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
        if not only_new:
            _keep_changes(con, names, batch_id)
        con.execute(statement).fetchall()
        if not only_new:
            _name_groups(con, names, batch_id)


def write_announced(con: Connection, series: pl.DataFrame, batch_id: int) -> None:
    """Add the series that a batch of plans places and no sales placed yet; where one stands that is
    there it stays.
    """
    statement = f"""
        insert into announced
        select $batch_id, unique_id from incoming
        anti join (
            select unique_id from {known_series_table(con)} anti join announced using (unique_id)
            union all select unique_id from sales semi join announced using (unique_id)
        ) using (unique_id)"""  # noqa: S608 -- fixed text
    with registered(con, incoming=series.select("unique_id")):
        con.execute(statement, {"batch_id": batch_id}).fetchall()
    write_series(con, series, batch_id, only_new=True)


def _keep_changes(con: Connection, columns: list[str], batch_id: int) -> None:
    """Write down the attributes that `incoming` changes."""
    for name in columns:
        query = f"""
            select s.unique_id, s.{quoted(name)} as before, i.{quoted(name)} as after
            from incoming i join series_attributes s using (unique_id)
            where i.{quoted(name)} is not null
              and i.{quoted(name)} is distinct from s.{quoted(name)}"""  # noqa: S608 -- quoted
        con.execute(
            f"insert into series_changes select $batch_id, unique_id, $name, before, after "  # noqa: S608 -- quoted
            f"from ({query})",
            {"batch_id": batch_id, "name": name},
        ).fetchall()


def restore_series(con: Connection, batch_id: int) -> int:
    """Change back what a withdrawn batch had changed of series; how many attributes. Where a later
    batch changed one again, that holds, and would change back to what was before both.
    """
    query = """
        select rowid, unique_id, attribute, before, after from series_changes
        where batch_id = $batch_id order by rowid desc"""
    changes = con.execute(query, {"batch_id": batch_id}).fetchall()
    for rowid, unique_id, attribute, before, after in changes:
        values = {"unique_id": unique_id, "before": before, "after": after}
        later = """
            select min(rowid) from series_changes where rowid > $rowid and unique_id = $unique_id
            and attribute = $attribute and batch_id <> $batch_id"""
        where = {"rowid": rowid, "unique_id": unique_id, "attribute": attribute}
        next_change = con.execute(later, {**where, "batch_id": batch_id}).fetchall()[0][0]
        if next_change is not None:
            con.execute(
                "update series_changes set before = $before where rowid = $rowid",
                {"before": before, "rowid": next_change},
            ).fetchall()
            continue
        con.execute(
            f"update series_attributes set {quoted(attribute)} = $before "  # noqa: S608 -- quoted
            f"where unique_id = $unique_id and {quoted(attribute)} is not distinct from $after",
            values,
        ).fetchall()
    con.execute(
        "delete from series_changes where batch_id = $batch_id", {"batch_id": batch_id}
    ).fetchall()
    return len(changes)


def _name_groups(con: Connection, columns: list[str], batch_id: int) -> None:
    """What `incoming` calls the groups of a level, for their other series, too; written down."""
    levels = [name for name in columns if PREFIX + name in columns]
    for level in levels:
        group, name = quoted(level), quoted(PREFIX + level)
        changed = f"""
            insert into series_changes
            select $batch_id, s.unique_id, $name, s.{name}, named.{name}
            from series_attributes s
            join (select distinct {group}, {name} from incoming where {name} is not null) named
              on s.{group} = named.{group}
            where s.{name} is distinct from named.{name}"""  # noqa: S608 -- quoted
        con.execute(changed, {"batch_id": batch_id, "name": PREFIX + level}).fetchall()
        statement = f"""
            update series_attributes set {name} = named.{name}
            from (select distinct {group}, {name} from incoming where {name} is not null) named
            where series_attributes.{group} = named.{group}
              and series_attributes.{name} is distinct from named.{name}"""  # noqa: S608 -- quoted
        con.execute(statement).fetchall()


def read_series(con: Connection, *, with_withdrawn: bool = False) -> pl.DataFrame:
    """SERIES: unique_id and the hierarchy's columns, sorted; a null in one is the group UNPLACED.

    Nothing that changes with the day: see the view `series` for first and last sale. Series of
    which everything was withdrawn are left out, but `with_withdrawn`.
    """
    table = "series_attributes" if with_withdrawn else known_series_table(con)
    return _series_of(con, table)


def series_at(
    con: Connection, sold: pl.Series, as_of: datetime | None, until_batch: int | None = None
) -> pl.DataFrame:
    """SERIES as of a moment, of a store that stood at a batch: those of these sales (unique_id) and
    those that plans received by then had announced.
    """
    query = """
        select distinct unique_id from announced a join batches b using (batch_id)
        where ($as_of is null or b.received_at <= $as_of)
          and ($until is null or batch_id <= $until)
          and not exists (
              select 1 from batches w where w.withdraws = b.batch_id
              and ($as_of is null or w.received_at <= $as_of)
              and ($until is null or w.batch_id <= $until))"""
    announced = frame_of(con, query, as_of=as_of, until=until_batch)["unique_id"]
    both = pl.concat([sold, announced.cast(pl.String)]).unique()
    return _series_of(con, "series_attributes").filter(pl.col("unique_id").is_in(both.implode()))


def _series_of(con: Connection, table: str) -> pl.DataFrame:
    columns = ", ".join(quoted(name) for name in ["unique_id", *hierarchy_columns(con)])
    series = frame_of(con, f"select {columns} from {table} order by unique_id")  # noqa: S608 -- quoted
    return series.with_columns(pl.col(pl.String).fill_null(UNPLACED))


def known_series_table(con: Connection) -> str:
    """What stands after `from` for the series that are known: all, or where a batch was withdrawn
    those that have a row of sales still, or are still announced.
    """
    if not is_anything_withdrawn(con):
        return "series_attributes"
    present = """
        select unique_id from sales union all
        select unique_id from announced where batch_id not in (
            select withdraws from batches where withdraws is not null)"""
    return f"(select * from series_attributes semi join ({present}) using (unique_id))"  # noqa: S608 -- fixed text


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

    BadParams for a name the store uses itself, and for names that differ in case alone.
    """
    present = {name.lower() for name in _columns(con)}
    if len({name.lower() for name in names}) < len(names):
        raise BadParams(f"hierarchy columns {names} differ in case alone. Rename one in shop.yaml.")
    missing = [name for name in names if name.lower() not in present]
    reserved = [name for name in missing if name.lower() in _RESERVED]
    if reserved:
        raise BadParams(
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
