"""The facts of a received file as the rules judge them, beside what the store knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from contract.names import without_names
from contract.params import IngestParams, Params, SourceParams
from contract.received import Received
from expectations.judge import Judgement, judge, refuse_whole
from expectations.newest_day import with_newest_day_judged
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import levels_compared
from runtime.one_line import one_line
from runtime.paths import Paths
from sources.reading import read_file
from stages.places import with_announced_bounded, with_moves_noted
from stages.public_holidays import with_regions_noted
from stages.replaced_days import with_days_replaced, with_scopes_withdrawn
from stages.whole_lines import Judged, lines_taken_whole
from storage.recent import is_first_load, read_recent
from storage.series import read_series
from storage.store import Connection, read_store

_LONGEST_TEXT = 2000  # characters; a message may quote a header of thousands of names


def judged_facts(
    received: list[Received], params: Params, paths: Paths, now: datetime, *, is_fill: bool
) -> Judged:
    """Every fact of a file with its judgement; one refused whole takes the others with it, a line's
    sales what stands beside them. `is_fill`: a long file is a history whatever the store holds.
    """
    today = max(now.date(), simulated_until(params.source))
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        received = [
            replace(fact, is_history=fact.is_history and (is_fill or is_first_load(con, fact)))
            for fact in received
        ]
        received = [with_regions_noted(con, fact, params.source) for fact in received]
        received = with_announced_bounded(con, received, params.ingest)
        contexts = [context_of(con, fact, params, today) for fact in received]
        judged = [
            (fact, _judged(fact, context, params.ingest))
            for fact, context in zip(received, contexts, strict=True)
        ]
        for further in (with_days_replaced, with_scopes_withdrawn, with_moves_noted):
            judged = [
                (fact, further(con, fact, judgement, params.ingest)) for fact, judgement in judged
            ]
    if reason := whole_refusal(judged):
        return [
            (fact, refuse_whole(judgement, SUITES[fact.fact], reason)) for fact, judgement in judged
        ]
    return lines_taken_whole(judged)


def _judged(fact: Received, context: Context, ingest: IngestParams) -> Judgement:
    """A fact judged; of a history the newest day as strictly as a morning's."""
    judgement = judge(fact, SUITES[fact.fact], context)
    if fact.fact != "sales" or not fact.is_history or judgement.reason:
        return judgement
    return with_newest_day_judged(judgement, replace(context, ingest=ingest))


def judged_file(
    path: Path, params: Params, paths: Paths, now: datetime, *, is_fill: bool
) -> tuple[Judged, str | None]:
    """The facts of a file as the rules judge them; why it is refused whole, or None."""
    try:
        received = read_file(path, params.source, companions=paths.inbox)
        judged = judged_facts(received, params, paths, now, is_fill=is_fill)
    except BadInput as error:
        return [], readable(str(error))
    return judged, whole_refusal(judged)


def whole_refusal(judged: Judged) -> str | None:
    """Why the file is refused whole; None where it is not."""
    return next((judgement.reason for _, judgement in judged if judgement.reason), None)


def context_of(con: Connection, fact: Received, params: Params, today: date) -> Context:
    """What the store knows beside a fact's rows, and the groups its series stand in.

    Of a history of years some day is always odd, and nobody can send that day again: unusual days
    of one are noted only. Its newest day is judged by itself.
    """
    ingest = params.ingest
    if fact.is_history:
        ingest = ingest.model_copy(update={"refuse_unusual": False})
    series = read_series(con)
    if fact.series is not None:
        others = series.join(fact.series, on="unique_id", how="anti")
        series = pl.concat([without_names(fact.series), others], how="diagonal_relaxed")
    levels = levels_compared(params.source.levels, series, ingest.whole_days)
    summed = params.source.is_mapped and params.source.files.transactions
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
    """A text of somebody else's as ledger and log can hold it: on one line, what is no UTF-8 or
    cannot be seen spelled out, an endless one cut.
    """
    return one_line(text)[:_LONGEST_TEXT]
