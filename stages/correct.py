"""Refused lines mended by hand: a small file of its own that says which lines of the first one it
replaces.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from contract.errors import BadInput, BadUsage, SourceMissing
from contract.params import FilesParams, Params
from contract.received import Received
from expectations.judge import Judgement
from expectations.suites import sentences
from runtime.command_line import Summary
from runtime.disk import sha256_of
from runtime.paths import Paths
from sources.columns import csv_manner
from sources.reading import read_file
from sources.reasons import REASONS
from sources.tables import need_columns, read_table
from stages.judged_facts import judged_facts, readable, whole_refusal
from stages.replay import (
    Refused,
    Replayed,
    log_replayed,
    staged_as,
    summary_of_replays,
    waiting_rows,
    without_overtaken,
)
from stages.store_name import store_name
from storage.batches import Batch, Delivery, holds
from storage.inbox import archive_file, claimed_inbox
from storage.known_at import with_known_at
from storage.replays import SENTENCES, Replay, write_replays
from storage.store import open_store


def correct(
    params: Params, paths: Paths, batch_id: int, corrected: Path, *, now: datetime
) -> Summary:
    """Lines of a batch's file as a person mended them, with a column `row_number` that names the
    refused line each replaces.

    They are a delivery of their own, archived like any. BadInput, and nothing changes, when they
    are refused whole.
    """
    if params.source.is_mapped and params.source.files.transactions:
        raise BadUsage(
            "the source's lines are summed up to a day (source.files.transactions): a mended line "
            "alone would replace its day. Send all lines of that day anew."
        )
    if not corrected.is_file():
        raise SourceMissing(f"there is no file '{corrected}' with corrected lines. Name one.")
    sha256 = sha256_of(corrected)
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        with open_store(paths.store, params.ingest.lock_wait_s) as con:
            is_known = holds(con, sha256)
        replayed = []
        if not is_known:
            taken = _correct(params, paths, batch_id, corrected, sha256, now)
            replayed.append(log_replayed(taken))
        archive_file(staged_as(corrected, corrected.name, paths), paths.archive, sha256)
    return summary_of_replays(replayed)


def _correct(
    params: Params, paths: Paths, batch_id: int, corrected: Path, sha256: str, now: datetime
) -> Replayed:
    """The mended lines judged and taken in, in one transaction."""
    waiting = waiting_rows(params, paths, Refused(batch_id))
    if waiting.is_empty():
        raise BadUsage(
            f"no row of batch {batch_id} waits any more: all were taken in. "
            "See quarantine.replayed_by."
        )
    own = staged_as(corrected, f"{Path(waiting['name'][0]).stem}{corrected.suffix}", paths)
    received = read_file(own, params.source, companions=paths.inbox)
    judged = judged_facts(received, params, paths, now, is_fill=False)
    if reason := whole_refusal(judged):
        raise BadInput(f"'{corrected.name}' is refused: {reason}")
    replaced = _replaced(own, params, waiting)
    delivery = Delivery(store_name(params.source), readable(corrected.name), sha256, now)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        judged = [
            (fact, without_overtaken(con, fact, judgement, waiting)) for fact, judgement in judged
        ]
        replays = [
            _correction(fact, judgement, waiting, replaced, now) for fact, judgement in judged
        ]
        write_replays(con, delivery, replays, REASONS | SENTENCES | sentences(params.ingest))
    taken = sum(one.taken.height for one in replays)
    return Replayed(corrected.name, [batch_id], waiting.height, taken, waiting.height - taken, None)


def _replaced(path: Path, params: Params, waiting: pl.DataFrame) -> pl.DataFrame:
    """The line of a corrected file (row_number) and the refused line it stands for (replaces)."""
    files = params.source.files if params.source.is_mapped else FilesParams(sales="")
    table = read_table(path, csv_manner(files))
    need_columns(
        table, {"row_number": "--corrected: each line names the refused one it replaces"}, path.name
    )
    replaces = table["row_number"].cast(pl.Int64, strict=False)
    if replaces.null_count():
        raise BadInput(
            f"'{path.name}' has a line whose row_number is no number. "
            "Copy it from table quarantine."
        )
    if unknown := sorted(set(replaces) - set(waiting["row_number"])):
        raise BadInput(
            f"'{path.name}' replaces the lines {unknown[:10]}, and none of them waits in "
            "quarantine. Take them out."
        )
    return pl.DataFrame({"replaces": replaces}).with_row_index("row_number", 1).cast(pl.Int64)


def _correction(
    fact: Received,
    judgement: Judgement,
    waiting: pl.DataFrame,
    replaced: pl.DataFrame,
    now: datetime,
) -> Replay:
    own = waiting.filter(fact=fact.fact)
    rows, known = with_known_at(fact.fact, judgement.accepted, now, None)
    lines = replaced.join(
        judgement.accepted.select("row_number"), on="row_number", how="semi"
    ).select(row_number="replaces")
    batch_id = (own if own.height else waiting)["batch_id"][0]
    batch = Batch(
        fact.fact, fact.rows_in, rows, judgement.refused, known, fact.series, None, batch_id
    )
    taken = own.join(lines.unique(), on="row_number", how="semi").select("row_number", "raw")
    return Replay(batch, taken, waiting.select("row_number", "raw", "reason").clear())
