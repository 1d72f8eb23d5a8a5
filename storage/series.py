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
    """Add the series that a batch of plans places and no sales placed yet, and where it puts them;
    one that sold stays where it stands.
    """
    unsold = f"""
        select unique_id from incoming
        anti join (
            select unique_id from {known_series_table(con)} anti join announced using (unique_id)
            union all select unique_id from sales semi join announced using (unique_id)
        ) using (unique_id)"""  # noqa: S608 -- fixed text
    with registered(con, incoming=series.select("unique_id")):
        announced = frame_of(con, unsold)
    with registered(con, announced_now=announced):
        statement = "insert into announced select $batch_id, unique_id from announced_now"
        con.execute(statement, {"batch_id": batch_id}).fetchall()
    placed = series.join(announced, on="unique_id", how="semi")
    if placed.height:
        write_series(con, placed, batch_id)


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
    """Change back what a withdrawn batch had changed of series; how many attributes.

    Where a later batch changed one again, that holds, and would change back to what was before
    both. Where a later file of sales stated the series and left it there, the change is that file's
    from now on.
    """
    values = {"batch_id": batch_id}
    con.execute(_CHANGES, values).fetchall()
    for statement in (_TO_NEXT_CHANGE, _TO_NEXT_FILE, _UNDONE):
        con.execute(statement).fetchall()
    undone = "select distinct attribute from undone order by attribute"
    attributes = [name for (name,) in con.execute(undone).fetchall()]
    for name in attributes:
        con.execute(
            f"update series_attributes set {quoted(name)} = u.before from undone u "  # noqa: S608 -- quoted
            f"where u.attribute = $name and u.unique_id = series_attributes.unique_id "
            f"and series_attributes.{quoted(name)} is not distinct from u.after",
            {"name": name},
        ).fetchall()
    count = int(con.execute("select count(*) from changes").fetchall()[0][0])
    con.execute("delete from series_changes where batch_id = $batch_id", values).fetchall()
    return count


# what the batch changed, from its first value to its last; the next batch that changed it again,
# and the next file of sales that stands and states the series
_CHANGES = """
create or replace temp table changes as
with own as (
    select unique_id, attribute, arg_min(before, rowid) as before, arg_max(after, rowid) as after
    from series_changes where batch_id = $batch_id group by all
), stated as (  -- not by absence: an implied zero names nobody's place
    select unique_id, batch_id from (
        select unique_id, ds, batch_id from sales union all
        select unique_id, ds, batch_id from sales_superseded union all
        select unique_id, ds, batch_id from sales_confirmed
    ) semi join own using (unique_id) anti join implied using (batch_id, unique_id, ds)
), standing as (
    select s.unique_id, min(s.batch_id) as next_file
    from stated s join batches b using (batch_id)
    where s.batch_id > $batch_id and b.withdraws is null and b.replay_of is null
      and s.batch_id not in (select withdraws from batches where withdraws is not null)
    group by all
), changed as (
    select c.unique_id, c.attribute, min(c.batch_id) as next_change
    from series_changes c semi join own using (unique_id, attribute)
    where c.batch_id > $batch_id group by all
)
select own.*, next_change, next_file,
       coalesce(next_file < next_change, next_file is not null) as is_stated
from own left join standing using (unique_id) left join changed using (unique_id, attribute)"""
_TO_NEXT_CHANGE = """
update series_changes set before = c.before from changes c
where not c.is_stated and series_changes.batch_id = c.next_change
  and series_changes.unique_id = c.unique_id and series_changes.attribute = c.attribute"""
_TO_NEXT_FILE = """
insert into series_changes
select next_file, unique_id, attribute, before, after from changes where is_stated"""
_UNDONE = """
create or replace temp table undone as
select * from changes where not is_stated and next_change is null"""


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


def read_series(con: Connection) -> pl.DataFrame:
    """SERIES: unique_id and the hierarchy's columns, sorted; a null in one is the group UNPLACED.

    Nothing that changes with the day: see the view `series` for first and last sale. Series of
    which everything was withdrawn are left out; a reading as of before has them (`series_at`).
    """
    return _series_of(con, known_series_table(con))


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
