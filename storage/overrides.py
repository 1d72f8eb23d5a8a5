"""What people say beside the forecasts: overrides, the rows they change, and what is final."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

import polars as pl

from contract.errors import BadUsage
from contract.frames import OVERRIDDEN, OVERRIDES
from contract.quantiles import QUANTILES
from storage.connection import Connection, frame_of, registered
from storage.journal import Entry, Kind, recorded
from storage.newest import NEWEST_RUN
from storage.schema import quoted


@dataclass(frozen=True)
class Override:
    """What a person says of a group's days; `kind` percent: of the model's mean, 0 is none; units:
    of the whole span and group. `run_id`, `origin`: of the table it was made on.
    """

    made_at: datetime
    made_by: str
    level: str
    key: str
    from_ds: date
    to_ds: date
    kind: str
    value: float
    reason: str
    run_id: str
    origin: date
    expires_on: date | None = None


def write_override(con: Connection, override: Override, rows: pl.DataFrame) -> int:
    """The number of a new override, written with the rows it changes in its run's table.

    `rows`: OVERRIDDEN without `run_id` and `override_id`. One transaction, one entry.
    """
    query = "select coalesce(max(override_id), 0) + 1 from overrides"
    override_id = int(con.execute(query).fetchall()[0][0])
    fields = {"override_id": override_id, **asdict(override)}
    numbered = OVERRIDDEN.conform(
        rows.with_columns(run_id=pl.lit(override.run_id), override_id=override_id)
    )
    entry = Entry(Kind.OVERRIDE, {"override": fields}, {OVERRIDDEN.name: numbered})
    with recorded(con, entry):
        redo_override(con, entry)
    return override_id


def redo_override(con: Connection, entry: Entry) -> None:
    """Write the override of an entry and its rows. Call it inside a transaction."""
    statement = """
        insert into overrides (override_id, made_at, made_by, level, key, from_ds, to_ds, kind,
                               value, reason, run_id, origin, expires_on)
        values ($override_id, $made_at::timestamp, $made_by, $level, $key, $from_ds::date,
                $to_ds::date, $kind, $value, $reason, $run_id, $origin::date,
                $expires_on::date)"""
    con.execute(statement, entry.fields["override"]).fetchall()
    write_overridden(con, entry.frames[OVERRIDDEN.name])


def revoke_override(con: Connection, override_id: int, by: str, at: datetime) -> None:
    """Take an override back from a moment on; BadUsage where there is none to take back."""
    standing = read_overrides(con).filter(override_id=override_id)
    if standing.is_empty():
        raise BadUsage(
            f"there is no override {override_id}. `python inference.py overrides` lists them."
        )
    row = standing.row(0, named=True)
    if row["revoked_at"] is not None:
        raise BadUsage(
            f"override {override_id} was revoked by {row['revoked_by']} on "
            f"{row['revoked_at']:%Y-%m-%d %H:%M}. Make a new one to have it again."
        )
    entry = Entry(Kind.REVOCATION, {"override_id": override_id, "by": by, "at": at.isoformat()})
    with recorded(con, entry):
        redo_revocation(con, entry)


def redo_revocation(con: Connection, entry: Entry) -> None:
    """Take back what an entry says. Call it inside a transaction."""
    statement = """
        update overrides set revoked_at = $at::timestamp, revoked_by = $by
        where override_id = $override_id"""
    con.execute(statement, entry.fields).fetchall()


def write_overridden(con: Connection, rows: pl.DataFrame) -> None:
    """Add OVERRIDDEN rows; what an override has said of a run stays as it is. Call it inside a
    transaction.
    """
    statement = """
        insert into overridden
        select * from incoming anti join overridden using (run_id, override_id)"""
    with registered(con, incoming=OVERRIDDEN.conform(rows)):
        con.execute(statement).fetchall()


def read_overrides(con: Connection) -> pl.DataFrame:
    """OVERRIDES, revoked ones too, in the order of making."""
    columns = ", ".join(quoted(name) for name in OVERRIDES.schema)
    query = f"select {columns} from overrides order by override_id"  # noqa: S608 -- quoted
    return OVERRIDES.conform(frame_of(con, query))


def standing_overrides(con: Connection, origin: date) -> pl.DataFrame:
    """OVERRIDES that a table of this origin takes: not revoked, not expired, and with days ahead of
    it.
    """
    return read_overrides(con).filter(
        pl.col("revoked_at").is_null(),
        pl.col("to_ds") > origin,
        pl.col("expires_on").is_null() | (pl.col("expires_on") > origin),
    )


def own_rows(con: Connection, override_ids: list[int]) -> pl.DataFrame:
    """OVERRIDDEN of these overrides on the tables they were made on, sorted by key."""
    query = """
        select o.* from overridden o semi join overrides using (run_id, override_id)
        where list_contains($override_ids, override_id)
        order by override_id, unique_id, ds"""
    return OVERRIDDEN.conform(frame_of(con, query, override_ids=override_ids))


def overridden_of(con: Connection, run_id: str, as_of: datetime | None = None) -> pl.DataFrame:
    """unique_id, ds, model, y_hat, override_id of the rows of a run's table that a person changed,
    now or as of a moment; sorted by series and day.
    """
    query = _HOLDING.format(run="$run_id", stands=_AS_OF) + " order by unique_id, ds"
    return frame_of(con, query, run_id=run_id, as_of=as_of)


def read_final(con: Connection, run_id: str, as_of: datetime | None = None) -> pl.DataFrame:
    """What is final of a run's table, now or as of a moment: run_id, origin, unique_id, ds, h,
    y_hat, quantiles, method, reason, and `model`, `override_id` (null: the model's number stands).

    Quantiles are multiplied with the mean; null where the model's mean is zero and a person's not.
    Sorted by series and day.
    """
    holding = _HOLDING.format(run="$run_id", stands=_AS_OF)
    query = _FINAL.format(run="$run_id", holding=holding) + " order by unique_id, ds"
    return frame_of(con, query, run_id=run_id, as_of=as_of)


# of each row the last override that stands
_HOLDING = """
select unique_id, ds, arg_max(o.model, override_id) as model,
       arg_max(o.y_hat, override_id) as y_hat, max(override_id) as override_id
from overridden o join overrides using (override_id)
where o.run_id = {run} and {stands}
group by unique_id, ds"""
_NOW = "revoked_at is null"
_AS_OF = """
case when $as_of::timestamp is null then revoked_at is null
     else made_at <= $as_of and (revoked_at is null or revoked_at > $as_of) end"""

_SCALED = ", ".join(
    f"case when o.override_id is null then f.{quoted(name)} "
    f"when f.y_hat > 0 then f.{quoted(name)} * o.y_hat / f.y_hat "
    f"when o.y_hat = 0 then 0 end as {quoted(name)}"
    for name in QUANTILES
)
_FINAL = (
    """
select f.run_id, f.origin, f.unique_id, f.ds, f.h, coalesce(o.y_hat, f.y_hat) as y_hat, """
    + _SCALED
    + """, f.method, f.reason, f.y_hat as model, o.override_id
from forecasts f left join ({holding}) o using (unique_id, ds)
where f.run_id = {run}"""
)

# what is final of the newest whole table, as a view of the snapshot
FINAL_VIEW = _FINAL.format(run=NEWEST_RUN, holding=_HOLDING.format(run=NEWEST_RUN, stands=_NOW))
