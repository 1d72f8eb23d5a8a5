"""Series that a plan places before their first sale: how many it may, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from contract.params import IngestParams
from contract.received import Received
from storage.series import read_series
from storage.store import Connection

_ANNOUNCED = (
    "series_announced: {new} series that have not sold yet, {some} among them. From their first "
    "planned day on they are forecast from their analogues (reason `launch`)."
)
_TOO_MANY = (
    "announced_too_many: {new} series were never seen, {known} are known, and "
    "ingest.max_new_series is {most:g}: none of them is announced, the plans are kept. If they are "
    "this shop's, raise it and send the file again with its rows in another order."
)


def with_announced_bounded(
    con: Connection, received: list[Received], ingest: IngestParams
) -> list[Received]:
    """The facts of a file with a note of the series that its plans announce; without them where
    they are more than `ingest.max_new_series` of those that are known.
    """
    plans = [fact for fact in received if fact.fact != "sales" and fact.series is not None]
    known = read_series(con).select("unique_id") if plans else pl.DataFrame()
    if known.is_empty():
        return received
    places = pl.concat(
        [fact.series.select("unique_id") for fact in plans if fact.series is not None]
    )
    new = places.unique().join(known, on="unique_id", how="anti").sort("unique_id")
    if new.is_empty():
        return received
    numbers = {"new": new.height, "known": known.height, "most": ingest.max_new_series}
    if new.height <= ingest.max_new_series * known.height:
        note = _ANNOUNCED.format(some=new["unique_id"].head(3).to_list(), **numbers)
        return _noted(received, note)
    return _noted([_without(fact, new) for fact in received], _TOO_MANY.format(**numbers))


def _without(fact: Received, new: pl.DataFrame) -> Received:
    if fact.fact == "sales" or fact.series is None:
        return fact
    return replace(fact, series=fact.series.join(new, on="unique_id", how="anti"))


def _noted(received: list[Received], note: str) -> list[Received]:
    """The facts, the first with one more note: a file says it once."""
    first, *others = received
    return [replace(first, notes=(*first.notes, note)), *others]
