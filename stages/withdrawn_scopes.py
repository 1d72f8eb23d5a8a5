"""A supply file holds whole: rows that it no longer has were withdrawn."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from contract.received import Received
from expectations.judge import Judgement
from storage.connection import Connection
from storage.supply import read_supply

_NAMED = 5  # scopes that a note names


def with_scopes_withdrawn(con: Connection, fact: Received, judgement: Judgement) -> Judgement:
    """Supply as judged; a row known before that the file does not have is stated once more without
    a term: it says nothing now. A note names them.

    A file of which a row was refused does not say what it lacks: what was known stays, and the note
    says so.
    """
    if fact.fact != "supply" or judgement.reason or judgement.accepted.is_empty():
        return judgement
    gone = read_supply(con).join(judgement.accepted, on="scope", how="anti")
    if gone.is_empty():
        return judgement
    stays = judgement.refused.height > 0
    notes = (*judgement.notes, _note(gone, stays))
    if stays:
        return replace(judgement, notes=notes)
    known_at = pl.lit(judgement.accepted["known_at"].max(), pl.Datetime("us"))
    nothing = gone.select("scope", known_at=known_at, row_number=0, lines=0)
    accepted = pl.concat([judgement.accepted, nothing], how="diagonal_relaxed")
    return replace(judgement, accepted=accepted, notes=notes)


def _note(gone: pl.DataFrame, stays: bool) -> str:
    more = f" and {gone.height - _NAMED} more" if gone.height > _NAMED else ""
    what = (
        "They stay, as other rows of the file were refused: mend those and send it once more"
        if stays
        else "They hold no longer"
    )
    scopes = ", ".join(gone["scope"].head(_NAMED))
    return f"supply_replaced: the file has no row any more for {scopes}{more}. {what}."
