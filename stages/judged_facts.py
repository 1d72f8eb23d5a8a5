"""The facts of a received file as the rules judge them, beside what the store knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from contract.params import Params, SourceParams
from contract.received import Received
from expectations.judge import judge, refuse_whole
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import levels_compared
from runtime.paths import Paths
from sources.reading import read_file
from stages.whole_lines import Judged, lines_taken_whole
from storage.recent import read_recent
from storage.series import read_series
from storage.store import Connection, read_store

_LONGEST_TEXT = 2000  # characters; a message may quote a header of thousands of names


def judged_facts(received: list[Received], params: Params, paths: Paths, now: datetime) -> Judged:
    """Every fact of a file with its judgement; one refused whole takes the others with it, a line's
    sales what stands beside them.
    """
    today = max(now.date(), simulated_until(params.source))
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        contexts = [context_of(con, fact, params, today) for fact in received]
    judged = [
        (fact, judge(fact, SUITES[fact.fact], context))
        for fact, context in zip(received, contexts, strict=True)
    ]
    if reason := whole_refusal(judged):
        return [
            (fact, refuse_whole(judgement, SUITES[fact.fact], reason)) for fact, judgement in judged
        ]
    return lines_taken_whole(judged)


def judged_file(
    path: Path, params: Params, paths: Paths, now: datetime
) -> tuple[Judged, str | None]:
    """The facts of a file as the rules judge them; why it is refused whole, or None."""
    try:
        judged = judged_facts(read_file(path, params.source), params, paths, now)
    except BadInput as error:
        return [], readable(str(error))
    return judged, whole_refusal(judged)


def whole_refusal(judged: Judged) -> str | None:
    """Why the file is refused whole; None where it is not."""
    return next((judgement.reason for _, judgement in judged if judgement.reason), None)


def context_of(con: Connection, fact: Received, params: Params, today: date) -> Context:
    """What the store knows beside a fact's rows, and the groups its series stand in.

    Of a history of years some day is always odd, and nobody can send that day again: unusual days
    of one are noted only.
    """
    ingest = params.ingest
    if fact.is_history:
        ingest = ingest.model_copy(update={"refuse_unusual": False})
    series = read_series(con)
    if fact.series is not None:
        others = series.join(fact.series, on="unique_id", how="anti")
        series = pl.concat([fact.series, others], how="diagonal_relaxed")
    levels = levels_compared(params.source.levels, series, ingest.whole_days)
    summed = params.source.kind == "files" and params.source.files.transactions
    context = Context(ingest, today, series=series, levels=levels)
    recent = read_recent(
        con, fact.fact, fact.rows, params.source.region, context.columns, are_lines_summed=summed
    )
    return replace(context, **vars(recent))


def simulated_until(source: SourceParams) -> date:
    """The day after the last simulated one: a simulated world may lie ahead of the clock. No other
    source may.
    """
    world = source.simulator
    return world.start + timedelta(days=world.days) if source.kind == "simulator" else date.min


def readable(text: str) -> str:
    """A text of somebody else's as the ledger can hold it: a name that is no UTF-8 spelled out, an
    endless one cut.
    """
    return text.encode("utf-8", "backslashreplace").decode()[:_LONGEST_TEXT]
