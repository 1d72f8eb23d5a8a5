"""What else stands on a row: known ahead, known once the day is over, or left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from sources.draft.columns import ColumnFacts
from sources.draft.words import says, slug

_MOST_CODES = 12
_NONE = (
    "0",
    "none",
    "no",
    "keine",
    "aucun",
    "normal",
    "-",
)  # how a code says that there is nothing


@dataclass
class Covariates:
    """By name: the column (or column and codes), and why."""

    known_future: dict[str, Any] = field(default_factory=dict)
    past_only: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def find_covariates(
    table: pl.DataFrame, columns: Sequence[ColumnFacts], planned: Sequence[str]
) -> Covariates:
    """The covariates among columns without another role; `planned` are those a file of plans has,
    too.
    """
    found = Covariates()
    for column in columns:
        if column.person or column.distinct < 2 or column.filled < 0.5:
            continue
        name = slug(column.name)
        is_ahead = column.name in planned or says("known_future", column.name)
        if not name or name == "is_open" or name in found.why:
            continue
        if says("stockout_share", column.name) or not (is_ahead or says("past_only", column.name)):
            continue
        origin = _origin(table, column)
        if origin is None:
            continue
        target = found.known_future if is_ahead else found.past_only
        target[name] = origin
        found.why[name] = f"{_why(column, is_ahead, column.name in planned)}: {column.shown}"
    return found


def _why(column: ColumnFacts, is_ahead: bool, is_planned: bool) -> str:
    if is_planned:
        return "the plans state it, too"
    return "named like what is known ahead" if is_ahead else "known once the day is over"


def _origin(table: pl.DataFrame, column: ColumnFacts) -> Any:
    """The column; of a text its codes, in the order of their names, nothing being 0."""
    if column.number == 1.0 or (column.is_flag and column.flag == 1.0):
        return column.name
    if column.distinct > _MOST_CODES:
        return None
    texts = table[column.name].cast(pl.String).drop_nulls().unique().sort().to_list()
    nothing = [text for text in texts if text.lower() in _NONE]
    others = [text for text in texts if text not in nothing]
    codes = dict.fromkeys(nothing, 0) | {text: at for at, text in enumerate(others, start=1)}
    return {"column": column.name, "codes": codes} if len(codes) <= _MOST_CODES else None
