"""A day or the supply sent again whole: what it no longer states was withdrawn."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from contract.params import IngestParams
from contract.received import Received
from expectations.every_fact import WAY_OUT
from expectations.judge import Judgement, refuse_whole
from expectations.supply import SUPPLY_SUITE
from expectations.usual import FEED
from storage.connection import Connection
from storage.recent import read_unstated
from storage.series import hierarchy_columns
from storage.supply import read_supply

_LEAST_WHOLE = 0.5  # share of a day's known rows, where ingest.min_rows_share asks for less
_LEAST_ROWS = 10  # of supply known: a share of fewer does not tell a cut file from a change
_NAMED = 5  # series or scopes that a note names


def with_days_replaced(
    con: Connection, fact: Received, judgement: Judgement, ingest: IngestParams
) -> Judgement:
    """Sales as judged; a series that was known with units on a day which the file states again
    whole, and that it no longer states, sold nothing on it now. A note names them.

    Where absent means unknown, where no day is whole, or where lines of the file could not be read,
    they stay as they are, and the note says so.
    """
    if fact.fact != "sales" or judgement.reason or judgement.accepted.is_empty():
        return judgement
    groups = [] if ingest.whole_days else [FEED]
    if not set(groups) <= set(hierarchy_columns(con)):
        return judgement
    unstated = read_unstated(con, fact.rows, groups)
    least = max(ingest.min_rows_share, _LEAST_WHOLE)
    gone = unstated.filter(pl.col("stated_share") >= least)
    if gone.is_empty():
        return judgement
    stays = not ingest.absent_means_zero or fact.refused.height > 0
    note = _note(gone, stays)
    if stays:
        return replace(judgement, notes=(*judgement.notes, note))
    known_at = judgement.accepted.group_by("ds").agg(pl.col("known_at").max())
    zeros = gone.select("unique_id", "ds", y=pl.lit(0.0), row_number=0, lines=0)
    zeros = zeros.join(known_at, on="ds", how="inner")
    accepted = pl.concat([judgement.accepted, zeros], how="diagonal_relaxed")
    return replace(judgement, accepted=accepted, notes=(*judgement.notes, note))


def with_scopes_withdrawn(
    con: Connection, fact: Received, judgement: Judgement, ingest: IngestParams
) -> Judgement:
    """Supply as judged; a row known before that the file does not have is stated once more without
    a term: it says nothing now. A note names them.

    A file of which a row was refused does not say what it lacks: what was known stays, and the note
    says so. One that lacks so many that it may be half a file is refused whole.
    """
    if fact.fact != "supply" or judgement.reason or judgement.accepted.is_empty():
        return judgement
    known = read_supply(con)
    gone = known.join(judgement.accepted, on="scope", how="anti")
    if gone.is_empty():
        return judgement
    if _is_half_a_file(known, gone, ingest):
        return refuse_whole(judgement, SUPPLY_SUITE, _half_a_file(known, gone))
    stays = judgement.refused.height > 0
    notes = (*judgement.notes, _note_of_supply(gone, stays))
    if stays:
        return replace(judgement, notes=notes)
    known_at = pl.lit(judgement.accepted["known_at"].max(), pl.Datetime("us"))
    nothing = gone.select("scope", known_at=known_at, row_number=0, lines=0)
    accepted = pl.concat([judgement.accepted, nothing], how="diagonal_relaxed")
    return replace(judgement, accepted=accepted, notes=notes)


def _is_half_a_file(known: pl.DataFrame, gone: pl.DataFrame, ingest: IngestParams) -> bool:
    kept_share = 1 - gone.height / known.height
    is_judged = ingest.refuse_unusual and known.height >= _LEAST_ROWS
    return is_judged and kept_share < ingest.min_rows_share


def _half_a_file(known: pl.DataFrame, gone: pl.DataFrame) -> str:
    return (
        f"supply_incomplete: the file has no row any more for {gone.height} of {known.height} rows "
        "known (ingest.min_rows_share), and the newest file holds whole: what it lacks would be "
        f"ordered by defaults. Send it whole. {WAY_OUT}"
    )


def _note(gone: pl.DataFrame, stays: bool) -> str:
    names = [
        f"{name} ({units:g} units on {day})"
        for name, day, units in gone.head(_NAMED).select("unique_id", "ds", "y").iter_rows()
    ]
    more = f" and {gone.height - _NAMED} more" if gone.height > _NAMED else ""
    what = (
        "Their units stay, as other lines of the file could not be read or absent rows are unknown"
        if stays
        else "They count as not sold now"
    )
    return (
        f"day_replaced: {gone['ds'].n_unique()} days were sent again whole, without series that "
        f"were known: {', '.join(names)}{more}. {what}; send the day once more if that is wrong."
    )


def _note_of_supply(gone: pl.DataFrame, stays: bool) -> str:
    more = f" and {gone.height - _NAMED} more" if gone.height > _NAMED else ""
    what = (
        "They stay, as other rows of the file were refused: mend those and send it once more"
        if stays
        else "They hold no longer"
    )
    scopes = ", ".join(gone["scope"].head(_NAMED))
    return f"supply_replaced: the file has no row any more for {scopes}{more}. {what}."
