"""Where files put series: what is said of those that move, and of those that a plan places before
their first sale.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from contract.names import without_names
from contract.panel import UNPLACED
from contract.params import IngestParams
from contract.received import Received
from contract.spelling import bare
from expectations.judge import Judgement
from expectations.unread import RuleResult, first_day
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
_MOVED = (
    "series_moved_since: {moved} of {known} known series of the file stand in another group than "
    "before, like {some}. All their days count for the new one; was it not meant, take the file "
    "back (`python ingest.py withdraw`)."
)
_MANY_MOVED = "So many known series in other groups than before: were columns mixed up?"
_ALIKE = (
    "announced_alike: {new} new series differ from known ones only in capitals, blanks, leading "
    "zeros or how Unicode writes a letter, like {one!r} from {like!r}: none of them is announced. "
    "Write the ids in one way."
)


def with_moves_noted(
    con: Connection, fact: Received, judgement: Judgement, ingest: IngestParams
) -> Judgement:
    """Sales as judged, with a note of known series that the file puts into another group; and an
    alert where they are more than `ingest.most_new` of those it holds.
    """
    if fact.fact != "sales" or fact.series is None or judgement.reason:
        return judgement
    known = read_series(con)
    levels = [name for name in without_names(fact.series).columns[1:] if name in known.columns]
    taken = fact.series.join(judgement.accepted, on="unique_id", how="semi")
    both = taken.join(known, on="unique_id", how="inner", suffix=" before")
    moved = (
        both.filter(pl.any_horizontal(_differs(level) for level in levels))
        if levels
        else both.clear()
    )
    if moved.is_empty():
        return judgement
    some = _move(moved.sort("unique_id").row(0, named=True), levels)
    note = _MOVED.format(moved=moved.height, known=both.height, some=some)
    share, results = moved.height / both.height, judgement.results
    if share > ingest.most_new:
        day = first_day(fact.rows)
        result = RuleResult("series_moved_since", _MANY_MOVED, "note", moved.height, (), day, share)
        results = (*results, result)
    return replace(judgement, notes=(*judgement.notes, note), results=results)


def _differs(level: str) -> pl.Expr:
    """Whether the file states another group than before; one never placed has not moved."""
    before = pl.col(f"{level} before")
    return pl.col(level).is_not_null() & (before != UNPLACED) & (pl.col(level) != before)


def _move(row: dict[str, str], levels: list[str]) -> str:
    level = next(name for name in levels if row[name] not in (None, row[f"{name} before"]))
    return f"'{row['unique_id']}' ({level} {row[f'{level} before']!r}, now {row[level]!r})"


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
    alike = new.with_columns(bare("unique_id").alias("(bare)")).join(
        known.with_columns(bare("unique_id").alias("(bare)")), on="(bare)", suffix=" known"
    )
    if alike.height:
        one, like = alike.select("unique_id", "unique_id known").row(0)
        received = _noted(received, _ALIKE.format(new=alike.height, one=one, like=like))
        received = [_without(fact, alike.select("unique_id")) for fact in received]
        new = new.join(alike, on="unique_id", how="anti")
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
