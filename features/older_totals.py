"""The past of groups: what they sold before the panel's own days, where totals of then are left."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from contract.days import YEAR, earliest
from contract.panel import Panel
from features.dense import Days
from features.hierarchy import group_index

GROUP_DAYS = 3 * YEAR  # read of a group's past; what was usual four years ago is no news
OVERLAP_DAYS = 56  # on which totals are compared with what the series sold
LEAST_OVERLAP = 28
# totals that end where the items begin are of the same size if these days before and after are
NEIGHBOUR_DAYS = 28
ALIKE = 1.5  # factor; a season may lie between them, another unit or chain lies further
# a day on which fewer of the known parts of a total are stated is unknown
LEAST_PARTS = 0.8

WHY_UNREAD = (
    "totals of the other groups are written another way, older than three years, or neither "
    "overlap with the items nor end where these begin; without train.groups.columns nobody reads "
    "any (docs/design/model.md)"
)


@dataclass(frozen=True)
class GroupPast:
    """The days that the totals of groups reach back to; the panel's own where there are none."""

    days: Days
    totals: pl.DataFrame  # contract.frames.TOTALS

    def older_than(self, days: Days) -> int:
        """How many days it has before those."""
        return self.days.known - days.known


def group_past(panel: Panel, days: Days) -> GroupPast:
    """As far back as the panel's totals say something, GROUP_DAYS at most."""
    if panel.totals.is_empty():
        return GroupPast(days, panel.totals)
    reach = (days.first - earliest(panel.totals["ds"])).days
    older = max(0, min(reach, GROUP_DAYS - days.known))
    first = days.first - timedelta(days=older)
    return GroupPast(replace(days, first=first, known=days.known + older), panel.totals)


def older_units(
    past: GroupPast, series: pl.DataFrame, columns: list[str], own: np.ndarray
) -> np.ndarray:
    """(groups, older days) units of the groups of these columns, NaN where unknown.

    `own`: (groups, known days) what their series sold, NaN where unknown; groups in the order of
    features.hierarchy.group_index. Totals may hold more than the series (items of then) or money:
    they are scaled to what the series sold on the first OVERLAP_DAYS that both know. Totals that
    end where the series begin are taken as they are, if the weeks before and after are ALIKE. Else
    nobody knows whether they are of the same things, and the group is unknown.
    """
    groups, older = len(own), past.days.known - own.shape[1]
    if not older:
        return np.empty((groups, 0))
    units, parts = _summed(past, _groups_of(series, columns), columns, groups)
    is_known = (parts > 0) & (parts >= LEAST_PARTS * np.maximum.accumulate(parts, axis=1))
    theirs = np.where(is_known, units, np.nan)
    factor = _factor(theirs[:, :older], theirs[:, older:], own)
    scaled: np.ndarray = theirs[:, :older] * factor[:, None]
    return np.where(np.isfinite(scaled), scaled, np.nan)


def _factor(before: np.ndarray, beside: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(groups,) factors that bring totals to the size of what the series sold; NaN where no day
    says so.
    """
    both = ~np.isnan(beside) & ~np.isnan(own)
    both &= np.cumsum(both, axis=1) <= OVERLAP_DAYS
    neighbours = before[:, -NEIGHBOUR_DAYS:], own[:, :NEIGHBOUR_DAYS]
    adjoin = [(~np.isnan(one)).sum(axis=1) >= NEIGHBOUR_DAYS / 2 for one in neighbours]
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = np.where(both, own, 0).sum(axis=1) / np.where(both, beside, 0).sum(axis=1)
        step = np.abs(np.log(_mean(neighbours[1]) / _mean(neighbours[0])))
    as_it_is = np.where(adjoin[0] & adjoin[1] & (step <= np.log(ALIKE)), 1.0, np.nan)
    factor: np.ndarray = np.where(both.sum(axis=1) >= LEAST_OVERLAP, overlap, as_it_is)
    return factor


def _mean(units: np.ndarray) -> np.ndarray:
    """(groups,) means of the known days."""
    known = ~np.isnan(units)
    mean: np.ndarray = np.where(known, units, 0).sum(axis=1) / known.sum(axis=1)
    return mean


def _groups_of(series: pl.DataFrame, columns: list[str]) -> dict[tuple[str, ...], int]:
    """The groups of these columns by their values; in the order of their joined names."""
    first_member = np.unique(group_index(series, columns), return_index=True)[1]
    if not columns:
        return {(): 0}
    return {row: g for g, row in enumerate(series[first_member].select(columns).iter_rows())}


def _summed(
    past: GroupPast, group_of: dict[tuple[str, ...], int], columns: list[str], groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """(groups, days) units of the totals that these groups are made of, and how many parts of them
    say something.
    """
    units, parts = np.zeros((2, groups, past.days.known))
    of_scope = _parts_of(past.totals["scope"].unique().to_list(), columns, group_of)
    if not of_scope:
        return units, parts
    rows = past.totals.select(
        "y",
        group=pl.col("scope").replace_strict(of_scope, default=None, return_dtype=pl.Int64),
        day=past.days.index(pl.col("ds")),
    ).filter(pl.col("group").is_not_null(), pl.col("day").is_between(0, past.days.known - 1))
    cells = rows["group"].to_numpy(), rows["day"].to_numpy()
    np.add.at(units, cells, rows["y"].to_numpy())
    np.add.at(parts, cells, 1)
    return units, parts


def _parts_of(
    scopes: list[str], columns: list[str], group_of: dict[tuple[str, ...], int]
) -> dict[str, int]:
    """The group of each scope that is part of one: of the coarsest kind of scope that names all
    these columns, so that no unit counts twice.
    """
    named = {scope: json.loads(scope) for scope in scopes}
    kinds = {tuple(sorted(values)) for values in named.values() if set(columns) <= set(values)}
    if not kinds:
        return {}
    coarsest = min(kinds, key=lambda kind: (len(kind), kind))
    found = {
        scope: group_of.get(tuple(values[name] for name in columns))
        for scope, values in named.items()
        if tuple(sorted(values)) == coarsest
    }
    return {scope: group for scope, group in found.items() if group is not None}
