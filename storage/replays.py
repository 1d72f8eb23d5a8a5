"""Refused rows judged again: what still waits in quarantine, and how what passes now is taken in,
once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from contract.frames import FACTS
from storage.batches import Batch, Delivery, entry_of, told_delivery, write_batch
from storage.journal import Entry, recorded
from storage.schema import quoted
from storage.store import check_owner

OVERTAKEN = "overtaken"
SENTENCES = {
    OVERTAKEN: "A later file stated this key; the older row must not replace what it said."
}


@dataclass(frozen=True)
class Replay:
    """What a second judgement of one batch brought. `batch.replay_of` names it.

    A quarantined row is named by row_number and raw. `taken`: those that passed; `renewed`: those
    that did not, with `reason`.
    """

    batch: Batch
    taken: pl.DataFrame
    renewed: pl.DataFrame


def still_refused(
    con: duckdb.DuckDBPyConnection, batch_id: int | None, reason: str | None
) -> pl.DataFrame:
    """Quarantined rows nobody took in yet, of one batch or one reason, with their batch's fact,
    content and arrival.

    A file that could not be read at all has no rows: it stands with a null row_number, as long as
    its content is not accepted.
    """
    query = """
        select b.batch_id, b.fact, b.sha256, b.name, b.received_at, b.status, q.row_number, q.reason, q.raw, q.lines
        from batches b left join quarantine q on q.batch_id = b.batch_id and q.replayed_by is null
        where ($batch_id is null or b.batch_id = $batch_id) and ($reason is null or q.reason = $reason)
          and (q.batch_id is not null or (b.fact = 'file' and b.status = 'refused' and not exists (
               select 1 from batches a where a.sha256 = b.sha256 and a.status = 'accepted')))
        order by b.batch_id, q.row_number"""
    return con.sql(query, params={"batch_id": batch_id, "reason": reason}).pl()


def was_refused(con: duckdb.DuckDBPyConnection, batch_id: int | None, reason: str | None) -> bool:
    """Whether a row of this batch or reason, or the file itself, was ever refused."""
    query = """
        select 1 from batches b left join quarantine q using (batch_id)
        where ($batch_id is null or b.batch_id = $batch_id) and ($reason is null or q.reason = $reason)
          and (q.batch_id is not null or b.fact = 'file') limit 1"""
    return bool(con.execute(query, {"batch_id": batch_id, "reason": reason}).fetchall())


def stated_later(
    con: duckdb.DuckDBPyConnection, fact: str, rows: pl.DataFrame, batch_id: int
) -> pl.DataFrame:
    """The keys among these rows of which a batch after this one stated something, be it only what
    was known already.

    A replay is as old as the batch it replays. Rows that say their own `known_at` find their place
    in the timeline: not asked.
    """
    key = ", ".join(quoted(name) for name in FACTS[fact].key)
    con.register("asked", rows.filter(pl.col("known_at").is_null()).select(FACTS[fact].key))
    stated = f"select {key}, batch_id from {quoted(fact)} union all select {key}, batch_id from {quoted(fact + '_confirmed')}"  # noqa: S608 -- quoted
    query = f"""select distinct {key} from ({stated}) semi join asked using ({key}) join batches b using (batch_id)
        where coalesce(b.replay_of, b.batch_id) > $batch_id"""  # noqa: S608 -- quoted
    found = con.sql(query, params={"batch_id": batch_id}).pl()
    con.unregister("asked")
    return found


def write_replays(
    con: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    replays: Sequence[Replay],
    sentences: Mapping[str, str],
) -> None:
    """Facts, ledger lines and the marks in quarantine, in one transaction. Nothing to take and
    nothing to say: no change.
    """
    replays = [
        one for one in replays if one.taken.height or one.renewed.height or one.batch.rows_in
    ]
    if not replays:
        return
    check_owner(con, delivery.source)
    attempt = _next_attempt(con, delivery.sha256)
    batches = [replace(one.batch, attempt=attempt) for one in replays]
    entry = entry_of("replay", delivery, batches, sentences, words=dict(sentences))
    for number, one in enumerate(replays):
        entry.frames.update({f"{number}_taken": one.taken, f"{number}_renewed": one.renewed})
    with recorded(con, entry):
        redo_replays(con, entry)


def redo_replays(con: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    """Write replays as the journal tells them. Call it inside a transaction."""
    delivery, batches = told_delivery(entry)
    for number, batch in enumerate(batches):
        batch_id = write_batch(con, delivery, batch, entry.told["words"]) if batch.rows_in else None
        _mark(con, batch.replay_of, batch_id, entry.frames[f"{number}_taken"])
        words = pl.col("reason").replace_strict(
            entry.told["words"], default=None, return_dtype=pl.String
        )
        _renew(con, batch.replay_of, entry.frames[f"{number}_renewed"].with_columns(sentence=words))


def _mark(
    con: duckdb.DuckDBPyConnection, replay_of: int | None, batch_id: int | None, taken: pl.DataFrame
) -> None:
    con.register("taken", taken)
    con.execute(
        """update quarantine set replayed_by = $batch_id from taken
           where quarantine.batch_id = $replay_of and quarantine.row_number = taken.row_number
             and quarantine.raw is not distinct from taken.raw and replayed_by is null""",
        {"batch_id": batch_id, "replay_of": replay_of},
    ).fetchall()
    con.unregister("taken")


def _renew(con: duckdb.DuckDBPyConnection, replay_of: int | None, renewed: pl.DataFrame) -> None:
    con.register("renewed", renewed)
    con.execute(
        """update quarantine set reason = renewed.reason, sentence = renewed.sentence from renewed
           where quarantine.batch_id = $replay_of and quarantine.row_number = renewed.row_number
             and quarantine.raw is not distinct from renewed.raw and replayed_by is null""",
        {"replay_of": replay_of},
    ).fetchall()
    con.unregister("renewed")


def _next_attempt(con: duckdb.DuckDBPyConnection, sha256: str) -> int:
    query = "select coalesce(max(attempt), -1) + 1 from batches where sha256 = $sha256"
    return con.execute(query, {"sha256": sha256}).fetchall()[0][0]
