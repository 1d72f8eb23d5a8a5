"""Files nobody has described: from their tables to a draft of their mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from sources.draft.beside import lines_beside
from sources.draft.columns import ColumnFacts
from sources.draft.covariates import Covariates, find_covariates
from sources.draft.doubts import CHOICES, Doubt
from sources.draft.findings import Draft, Line
from sources.draft.folder import ROLES, Folder, look_at
from sources.draft.history import lines_of_history
from sources.draft.lines import (
    FILES,
    lines_of_columns,
    lines_of_covariates,
    lines_of_features,
    lines_of_levels,
    lines_of_limits,
    lines_of_transactions,
    lines_without_levels,
)
from sources.draft.roles import Roles, find_roles
from sources.draft.series import SeriesFacts, find_series
from sources.draft.tables import SourceTable, days_in, with_days_only
from sources.draft.words import says

SETTINGS = (
    "decimal",
    "date_format",
    "time_zone",
    "separator",
    "sheet",
    "encoding",
    "holidays",
)
KEYS = (*ROLES, "transactions", "returns", *SETTINGS)


def find_mapping(paths: Sequence[Path], choices: Mapping[str, str]) -> Draft:
    """The mapping of these files. `choices`: what a person has decided, by setting. BadInput where
    the files hold no sales.
    """
    folder = look_at(paths, choices)
    roles = find_roles(folder.sales.columns, choices)
    sales = with_days_only(folder.sales, roles.chosen["ds"])
    folder, roles = replace(folder, sales=sales), find_roles(sales.columns, choices)
    days = days_in(sales, roles.chosen["ds"])
    series = find_series(sales, roles.chosen["ds"], days, roles.free, choices.get("unique_id"))
    head = [*_head(folder, choices), *_written(folder, choices)]
    if isinstance(series, Doubt):
        doubts = [*roles.doubts, *_doubts(roles), series]
        lines = (*head, *lines_of_columns(roles, None), *lines_without_levels())
        return Draft(lines, tuple(doubts), dict(folder.unused))
    return _drafted(folder, roles, series, days, choices, head)


def _drafted(
    folder: Folder,
    roles: Roles,
    series: SeriesFacts,
    days: pl.Series | None,
    choices: Mapping[str, str],
    head: list[Line],
) -> Draft:
    """`days`: of each row of the sales; None where a person must say first how they are written."""
    sales = folder.sales
    plans = folder.beside.get("plans")
    rest = [one for one in roles.free if one.name not in _used(series)]
    covariates = find_covariates(sales.table, rest, list(plans.columns) if plans else [])
    beside, series, notes = lines_beside(folder, roles, series)
    lines = [
        *head,
        *lines_of_transactions(series, choices),
        *lines_of_columns(roles, series),
        *beside,
        *lines_of_levels(series),
        *lines_of_covariates(covariates),
        *lines_of_features(roles, series, covariates, beside),
        *lines_of_limits(sales.columns[roles.chosen["y"]]),
    ]
    different = pl.Series([], dtype=pl.Date) if days is None else days.drop_nulls().unique().sort()
    lines += _format_of_all(folder, roles.chosen["ds"], days)
    history = lines_of_history(different, series.key.series)
    doubts = (
        *roles.doubts,
        *_doubts(roles),
        *(one for one in series.doubts if one.setting not in choices),
        *_returns(sales, roles, series, choices),
        *_holidays(beside, choices),
    )
    unused = folder.unused | _unused(roles, series, covariates)
    notes = (*sales.notes, *notes)
    return Draft((*lines, *history.lines), doubts, unused, notes, history.obstacles)


def _used(series: SeriesFacts) -> set[str]:
    own = {*series.key.columns, *series.levels.values(), *series.names.values()}
    return own | set(series.twins)


def _head(folder: Folder, choices: Mapping[str, str]) -> list[Line]:
    sales = folder.sales
    rows = f"{sales.table.height:,} rows"
    what = f"{sales.wide}; " if sales.wide else ""
    lines = [Line((*FILES, "sales"), folder.pattern, f"{what}{rows}, as '{sales.name}'")]
    if sales.encoding not in (None, "utf8"):
        why = "stated" if "encoding" in choices else "no UTF-8; its bytes are letters in this one"
        lines.append(Line((*FILES, "encoding"), sales.encoding, why))
    return lines


def _written(folder: Folder, choices: Mapping[str, str]) -> list[Line]:
    """The settings a person has decided; what the reader finds out by itself is left to it."""
    stated = {name: choices[name] for name in SETTINGS if choices.get(name)}
    stated.pop("encoding", None)
    return [Line((*FILES, name), value, "as stated") for name, value in stated.items()]


def _doubts(roles: Roles) -> list[Doubt]:
    """What the reader cannot know of the columns that are mapped."""
    found = [
        doubt
        for name in roles.chosen.values()
        for doubt in roles.columns[name].doubts
        if doubt.setting not in roles.choices
    ]
    of_day = roles.columns[roles.chosen["ds"]].doubts
    own = [
        doubt
        for doubt in found
        if doubt.setting not in ("date_format", "time_zone") or doubt in of_day
    ]
    return list({doubt.setting: doubt for doubt in own}.values())


def _format_of_all(folder: Folder, day: str, days: pl.Series | None) -> list[Line]:
    """How days are written, where a file beside the sales leaves it open and the sales prove it."""
    open_ones = [
        doubt
        for one in folder.beside.values()
        for column in one.columns.values()
        if (doubt := column.doubt("date_format"))
    ]
    if not open_ones or days is None:
        return []
    for form in open_ones[0].choices:
        read = days_in(folder.sales, day, form)
        if read is not None and read.equals(days, check_names=False):
            return [Line((*FILES, "date_format"), form, f"the days of '{day}' are written so")]
    return []


def _returns(
    sales: SourceTable, roles: Roles, series: SeriesFacts, choices: Mapping[str, str]
) -> list[Doubt]:
    """Whether goods that came back are subtracted: a choice of the shop, which runs without it."""
    negative = sales.columns[roles.chosen["y"]].negative
    if not series.are_lines or not negative or "returns" in choices:
        return []
    text = (
        f"{negative:.1%} of the lines have negative units. They are refused; net subtracts them "
        "from the day they came back."
    )
    return [Doubt("returns", text, CHOICES["returns"], is_needed=False)]


def _holidays(beside: Sequence[Line], choices: Mapping[str, str]) -> list[Doubt]:
    """Whose public holidays hold, where no calendar lies beside the sales: nothing in them says in
    which country they were made.
    """
    if "holidays" in choices or any(line.place == (*FILES, "calendar") for line in beside):
        return []
    text = (
        "no calendar lies beside the sales. In which country or region are the stores (DE, DE-BE, "
        "US-CA)? Its public holidays are then known ahead."
    )
    return [Doubt("holidays", text, is_needed=False)]


def _unused(roles: Roles, series: SeriesFacts, covariates: Covariates) -> dict[str, str]:
    mapped = [*covariates.known_future.values(), *covariates.past_only.values()]
    columns = {one if isinstance(one, str) else one["column"] for one in mapped}
    used = columns | _used(series) | set(roles.chosen.values())
    reasons = {}
    for name, column in roles.columns.items():
        if name in series.twins:
            reasons[name] = f"runs one to one with '{series.twins[name]}'"
        elif name not in used:
            reasons[name] = _why_unused(column)
    return reasons


def _why_unused(column: ColumnFacts) -> str:
    reasons = (
        (column.person, f"personal: {column.person}; never mapped"),
        (column.filled == 0, "empty"),
        (column.distinct == 1, f"says {column.shown} on every row"),
        (column.is_number and says("revenue", column.name), "money, and not units"),
        (says("calendar", column.name) or says("clock", column.name), "the day says it"),
        (says("receipt", column.name), "numbers receipts or lines"),
        (column.is_number, "a number nobody says the meaning of; past_only takes it"),
        (True, "no role was found"),
    )
    return next(why for holds, why in reasons if holds)
