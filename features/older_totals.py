"""The past of groups: what they sold before the panel's own days, where totals of then are left."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from contract.days import YEAR, earliest
from contract.panel import Panel
from contract.scopes import is_of_nobody
from features.dense import Days, days_of

GROUP_DAYS = 3 * YEAR  # read of a group's past; what was usual four years ago is no news
OVERLAP_DAYS = 56  # on which totals are compared with what the series sold
LEAST_OVERLAP = 28
# a day on which fewer of the known parts of a total are stated is unknown
LEAST_PARTS = 0.8
WHY_UNUSED = (
    "train.groups.columns reads them, and of groups that sold on "
    f"{LEAST_OVERLAP} days before the items and on {LEAST_OVERLAP} beside them"
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
    """As far back as totals that can be used say something, GROUP_DAYS at most."""
    most = max(0, GROUP_DAYS - days.known)
    totals = _usable(panel, days, most)
    if totals.is_empty():
        return GroupPast(days, totals)
    older = min((days.first - earliest(totals["ds"])).days, most)
    first = days.first - timedelta(days=older)
    return GroupPast(replace(days, first=first, known=days.known + older), totals)


def unused_scopes(panel: Panel, columns: list[str] | None, horizon: int) -> list[str]:
    """The scopes whose totals no forecast reads: all of them where the group step is off."""
    scopes = panel.totals["scope"].unique()
    if columns is not None:
        used = group_past(panel, days_of(panel, horizon)).totals["scope"]
        scopes = scopes.filter(~scopes.is_in(used.unique().implode()))
    unused: list[str] = scopes.sort().to_list()
    return unused


def _usable(panel: Panel, days: Days, most: int) -> pl.DataFrame:
    """The totals of scopes that series have, and that sold on LEAST_OVERLAP of the `most` days
    before the panel's own and on as many of these: a shop that closed, a name written another
    way or a single row would else stand in the way of the others.
    """
    if panel.totals.is_empty():
        return panel.totals
    day = days.index(pl.col("ds"))
    stated = (
        panel.totals.filter(pl.col("y") > 0)
        .group_by("scope")
        .agg(older=day.is_between(-most, -1).sum(), own=day.is_between(0, days.known - 1).sum())
    )
    enough = pl.min_horizontal("older", "own") >= LEAST_OVERLAP
    used = stated.filter(enough)
    if not panel.whole.is_part:  # of a part they are left out when it is made: others have them
        used = used.filter(~is_of_nobody(panel.series))
    return panel.totals.join(used, on="scope", how="semi", maintain_order="left")


def older_units(
    past: GroupPast, named: list[tuple[str, ...]], columns: list[str], own: np.ndarray
) -> np.ndarray:
    """(groups, older days) units of the groups of these columns, NaN where unknown.

    `named`: of each group its values of the columns. `own`: (groups, known days) what all of them
    sold, NaN where unknown. Totals may hold more than the series (items of then) or money: they are
    scaled to what the series sold on the first OVERLAP_DAYS that both know. A group whose totals
    end before that is unknown.
    """
    groups, older = len(own), past.days.known - own.shape[1]
    if not older:
        return np.empty((groups, 0))
    group_of = {values: group for group, values in enumerate(named)}
    units, parts = _summed(past, group_of, columns)
    is_known = (parts > 0) & (parts >= LEAST_PARTS * np.maximum.accumulate(parts, axis=1))
    both = is_known[:, older:] & ~np.isnan(own)
    both &= np.cumsum(both, axis=1) <= OVERLAP_DAYS
    theirs = np.where(both, units[:, older:], 0).sum(axis=1)
    ours = np.where(both, own, 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(both.sum(axis=1) >= LEAST_OVERLAP, ours / theirs, np.nan)
    scaled: np.ndarray = np.where(is_known, units, np.nan)[:, :older] * factor[:, None]
    return np.where(np.isfinite(scaled), scaled, np.nan)


def _summed(
    past: GroupPast, group_of: dict[tuple[str, ...], int], columns: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """(groups, days) units of the totals that these groups are made of, and how many parts of them
    say something.
    """
    units, parts = np.zeros((2, len(group_of), past.days.known))
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
