"""What lies beside the sales: plans, prices, a calendar, a static file, stock and supply, mapped
where they fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from sources.draft.findings import Line
from sources.draft.folder import Folder, folder_of, pattern_of
from sources.draft.keys import belonging, key_of, names_each, series_table, with_day
from sources.draft.lines import FILES
from sources.draft.roles import Roles, find_roles
from sources.draft.series import SeriesFacts, level_name, not_a_name
from sources.draft.supplies import same_column, stock_lines, supply_lines
from sources.draft.tables import SourceTable
from sources.draft.words import says
from sources.tables import names_in

_LEAST_SHARED = 0.9

Found = tuple[list[Line], SeriesFacts, tuple[str, ...]]


def lines_beside(folder: Folder, roles: Roles, series: SeriesFacts) -> Found:
    """Lines for the files beside the sales, the series with the levels a static file adds, and
    notes of what does not fit.
    """
    lines: list[Line] = []
    notes: list[str] = []
    # supply last: it may name a level that a static file adds
    for kind, one in sorted(folder.beside.items(), key=lambda item: item[0] == "supply"):
        match kind:
            case "plans":
                own, why = _plans(one, roles, series)
            case "prices":
                own, why = _prices(one, series)
            case "calendar":
                own, why = _calendar(one)
            case "stock":
                own, why = stock_lines(one, series)
            case "supply":
                own, why = supply_lines(one, series)
            case _:
                own, series, why = _static(one, series, folder.sales)
        if why:
            notes.append(f"not_used: '{one.name}' looks like {kind}, but {why}")
        else:
            lines += [Line((*FILES, kind), _pattern(folder, one), own[0].why), *own[1:]]
    return lines, series, tuple(notes)


def _pattern(folder: Folder, one: SourceTable) -> str:
    files = [one.path, *one.others] if one is folder.beside.get("stock") else [one.path]
    return pattern_of(files, names_in(folder_of(folder.root)))


def _plans(one: SourceTable, roles: Roles, series: SeriesFacts) -> tuple[list[Line], str]:
    needed = [*series.key.columns, roles.chosen["ds"]]
    missing = [name for name in needed if name not in one.columns]
    if missing:
        return [], f"it has no column {missing}: plans name their columns as the sales do."
    planned = {roles.chosen.get(role) for role in ("price", "promo", "is_open")}
    others = [name for name in one.columns if name not in needed]
    if not (planned | {column.name for column in roles.free}) & set(others):
        return [], f"the sales have none of its columns {others}: what was planned is not learned."
    return [Line(FILES, None, f"{one.table.height:,} rows of days to come")], ""


def _prices(one: SourceTable, series: SeriesFacts) -> tuple[list[Line], str]:
    """A price a period (from and to) or a day, of the series or of its item alone."""
    own = find_roles(one.columns, {})
    ids = [same_column(one, name) for name in series.key.columns]
    if None in ids:
        return [], f"it lacks one of {list(series.key.columns)}, by which its prices find a series."
    place = (*FILES, "price_columns")
    days = {
        role: next((n for n, c in one.columns.items() if c.is_day and says(role, n)), None)
        for role in ("from_ds", "to_ds")
    }
    if None in days.values():
        days = {"ds": own.chosen["ds"]}
    lines = [
        Line((*place, role), name, f"days: {one.columns[str(name)].shown}")
        for role, name in days.items()
    ]
    lines += [
        Line((*place, role), own.chosen[role], own.why[role])
        for role in ("price", "promo")
        if role in own.chosen
    ]
    key = ids if len(ids) > 1 else ids[0]
    head = Line(FILES, None, f"{one.table.height:,} prices")
    return [head, Line((*place, "unique_id"), key, "as in the sales"), *lines], ""


def _calendar(one: SourceTable) -> tuple[list[Line], str]:
    place, columns = (*FILES, "calendar_columns"), one.columns
    own = find_roles(columns, {})
    lines = [Line((*place, "ds"), own.chosen["ds"], own.why["ds"])]
    for role in ("event", "is_closed", "is_payday"):
        fits = [
            column
            for column in columns.values()
            if says(role, column.name)
            and column.name != own.chosen["ds"]
            and (column.is_flag if role != "event" else not (column.is_flag or column.is_number))
        ]
        if fits:
            lines.append(Line((*place, role), fits[0].name, fits[0].shown))
    if len(lines) == 1:
        return [], "none of its columns names events, closed days or pay days."
    days = with_day(one.table, own.chosen["ds"])
    if key_of(days, [own.chosen["ds"]]).repeated > 0:
        return [], "it has several rows of one day: map its region by hand (calendar_columns)."
    return [Line(FILES, None, f"{one.table.height:,} days"), *lines], ""


def _static(
    one: SourceTable, series: SeriesFacts, sales: SourceTable
) -> tuple[list[Line], SeriesFacts, str]:
    """The columns to join on, and what is added: columns of one value per series."""
    keys = [name for name in series.key.columns if name in one.columns]
    if not keys:
        return [], series, f"it shares no column of {list(series.key.columns)} with the sales."
    if one.table.select(pl.struct(keys).is_duplicated().any()).item():
        return [], series, f"it has several rows of one {keys}."
    if _shared(one.table, sales.table, keys) < _LEAST_SHARED:
        return [], series, f"its {keys} are others than those of the sales."
    new = [name for name in one.columns if name not in sales.columns]
    new.sort(key=not_a_name)  # names first, to be what codes are called
    levels: dict[str, str] = {}
    names = dict(series.names)
    for name in belonging(series_table(one.table, keys, new), keys, new):
        column = one.columns[name]
        is_group = 1 < column.distinct < one.table.height and not column.person
        is_text = not (column.is_number or column.is_bare or column.person)
        called = next((key for key in keys if names_each(one.table, key, name)), None)
        if called and is_text:
            names.setdefault(called, name)
        elif is_group and not called and (column.is_bare or not column.is_number):
            levels[level_name(name, series.levels | levels)] = name
    why = f"{one.table.height:,} rows, one per {keys}"
    groups = {name: one.columns[name].distinct for name in levels.values()}
    groups |= series.groups
    series = replace(series, levels=series.levels | levels, groups=groups, names=names)
    return [Line(FILES, None, why), Line((*FILES, "static_on"), keys, why)], series, ""


def _shared(static: pl.DataFrame, sales: pl.DataFrame, keys: Sequence[str]) -> float:
    """The share of the sales' ids that the static file knows."""
    own = sales.select(pl.col(key).cast(pl.String) for key in keys).unique()
    known = static.select(pl.col(key).cast(pl.String) for key in keys).unique()
    return own.join(known, on=list(keys), how="semi").height / max(own.height, 1)
