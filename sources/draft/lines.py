"""The lines of a mapping, from what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sources.draft.columns import ColumnFacts
from sources.draft.covariates import Covariates
from sources.draft.findings import Line
from sources.draft.roles import Roles
from sources.draft.series import SeriesFacts
from sources.draft.words import says

FILES = ("source", "files")


def lines_of_transactions(series: SeriesFacts, choices: Mapping[str, str]) -> list[Line]:
    """Whether rows are receipt lines to sum."""
    stated = choices.get("transactions")
    are_lines = stated == "true" if stated else series.are_lines
    if not are_lines:
        return []
    lines = [Line((*FILES, "transactions"), True, f"rows are lines to sum: {series.why}")]
    if choices.get("returns"):
        lines.append(Line((*FILES, "returns"), choices["returns"], "as stated"))
    return lines


def lines_of_columns(roles: Roles, series: SeriesFacts | None) -> list[Line]:
    """source.files.columns."""
    place = (*FILES, "columns")
    lines = []
    if series is not None:
        lines.append(Line((*place, "unique_id"), list(series.key.columns), series.why))
    for role, column in roles.chosen.items():
        value = roles.columns[column].codes_of_no if _is_turned(role, column) else column
        lines.append(Line((*place, role), value, roles.why[role]))
    return lines


def lines_of_levels(series: SeriesFacts) -> list[Line]:
    """source.files.hierarchy and names, source.levels and source.region."""
    lines = [
        Line(
            (*FILES, "hierarchy", name),
            column,
            f"{series.groups[column]:,} groups; one value for each series",
        )
        for name, column in series.levels.items()
    ]
    if not lines:
        lines = [Line((*FILES, "hierarchy"), {}, "no column has one value for each series")]
    lines += [
        Line((*FILES, "names", level), column, "what its codes are called; reports show both")
        for level, column in series.named_levels.items()
    ]
    upper = series.upper_levels
    levels = [[], *([name] for name in upper)]
    why = "the total" if not upper else "the total, and every level with several series in a group"
    return [*lines, Line(("source", "levels"), levels, why), *_region()]


def lines_without_levels() -> list[Line]:
    """What stands in for levels until somebody says what a series is."""
    why = "once unique_id is decided"
    lines = [Line(("source", "levels"), [[]], why), *_region()]
    lines.append(Line((*FILES, "hierarchy"), {}, why))
    values = {"hierarchy": [], "price": False, "promo": False, "known_future": [], "past_only": []}
    return [*lines, *(Line(("features", name), value, why) for name, value in values.items())]


def lines_of_covariates(covariates: Covariates) -> list[Line]:
    """source.files.known_future and past_only."""
    lines = []
    for section in ("known_future", "past_only"):
        named: dict[str, Any] = getattr(covariates, section)
        lines += [
            Line((*FILES, section, name), origin, covariates.why[name])
            for name, origin in named.items()
        ]
        if not named:
            lines.append(Line((*FILES, section), {}, "none found"))
    return lines


def lines_of_features(
    roles: Roles, series: SeriesFacts, covariates: Covariates, beside: Sequence[Line]
) -> list[Line]:
    """What features read of all this; nothing that is not mapped."""
    upper = series.upper_levels
    pair = [["store_id", "dept_id"]] if {"store_id", "dept_id"} <= set(upper) else []
    priced = {line.place[-1] for line in beside if "price_columns" in line.place}
    values = {
        "hierarchy": ([*pair, *([name] for name in upper)], "groups a series sees"),
        "price": _mapped("price", {*roles.chosen, *priced}),
        "promo": _mapped("promo", {*roles.chosen, *priced}),
        "known_future": (list(covariates.known_future), "as mapped above"),
        "past_only": (list(covariates.past_only), "as mapped above"),
    }
    return [Line(("features", name), value, why) for name, (value, why) in values.items()]


def lines_of_limits(units: ColumnFacts) -> list[Line]:
    """A larger limit of units a day, where the sales come near the one that ships."""
    if units.largest <= 50_000:
        return []
    most = float(f"{10 * units.largest:.0e}")
    return [
        Line(("ingest", "max_y"), most, f"ten times the largest of a sample: {units.largest:g}")
    ]


def _is_turned(role: str, column: str) -> bool:
    """Whether a column says the opposite of its role: closed, and not open."""
    return role == "is_open" and says("is_closed", column)


def _region() -> list[Line]:
    why = "one calendar for all; public holidays: source.files.holidays, or a file (.calendar)"
    return [Line(("source", "region"), None, why)]


def _mapped(role: str, mapped: set[str]) -> tuple[bool, str]:
    return role in mapped, f"a {role} is mapped" if role in mapped else f"no {role} is mapped"
