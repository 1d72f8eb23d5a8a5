"""What groups of series will sell in all: a ridge regression of log units on what a day is.

The log of a group's daily total is   level(day) + effects . what the day is + noise.   The level is
piecewise linear, a knot every LEVEL_DAYS. The effects of the grand total are pulled towards zero;
those of each column alone (all stores, all departments) towards the grand total's; those of a group
towards the sum of its parents' deviations from it. So an event seen once, a year ago, is estimated
from everything, and a department still has its own weekend. (Measured: docs/results/models.md.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.days import YEAR
from contract.levels import joined, values_of
from contract.params import GroupParams
from contract.whole import Arrays, Table, as_texts, from_texts
from features.dense_panel import DensePanel, GroupContext
from features.hierarchy import grouping_by, sum_by, table_name
from features.older_totals import older_units
from forecasting.day_design import Calendar, calendar_of, plans_of_series
from forecasting.last_year import log_mean_days

LEVEL_DAYS = 28  # between two knots of the level
LEVEL_STIFFNESS = 5.0  # pull of a knot towards the one before, in units of the noise
YEARS_WAVES = (0, 1, 2)  # yearly waves of the seasons averaged over,
WAVES_NEED_DAYS = 300  # where so much is known; less would bend a season out of a trend
# a day under this share of the recent median was no normal day: closed, or the feed was missing
USUAL_SHARE = 0.2
USUAL_MEMBERS = 0.8  # so is a day on which fewer of the launched series are known
RECENT_DAYS = 56
SMEARING_DAYS = 200
# logs between the level fitted and last year's, up to which both are trusted; twice as far apart,
# the year was no usual one (a closure, an order of its own, groups that grew by what is known)
AGREEING = 0.15
# standard deviation of log units the pulls were tuned at; a noisier group is pulled harder
TYPICAL_NOISE = 0.1


@dataclass(frozen=True)
class _Node:
    """The groups of one choice of columns, over the days of their past."""

    columns: list[str]
    sums: Table  # of its groups, as `sums_of_groups`
    groups: list[tuple[str, ...]]  # the values of its columns
    log_units: np.ndarray  # (groups, past), NaN on a day that was not usual
    regions: np.ndarray  # (groups, regions), share of its series in each
    plans: np.ndarray  # (groups, past + steps, plans)

    def rows_of(self, finer: _Node) -> np.ndarray:
        """Which of its groups each of those of a finer node is part of."""
        if not self.columns:
            return np.zeros(len(finer.groups), dtype=np.int64)
        groups = pl.DataFrame(finer.groups, dict.fromkeys(finer.columns, pl.String), orient="row")
        return self.sums.at(groups.select(joined(self.columns)).to_series())


@dataclass(frozen=True)
class _Fit:
    effects: np.ndarray  # (groups, effects)
    level: np.ndarray  # (groups,) on the last known day
    residuals: np.ndarray  # (groups, known), NaN where the day was not usual


def sums_of_groups(dense: DensePanel, columns: list[str], steps: int) -> dict[str, Table]:
    """By node (the grand total, each column alone, and last the groups themselves) what the
    forecaster of groups reads of their series: units, members, promo, price by day, and how many
    of each were known; series by region.
    """
    plans = plans_of_series(dense, steps)
    return {name: _sums(dense, choice, plans) for name, choice in _choices(columns).items()}


def as_arrays(sums: dict[str, Table]) -> dict[str, np.ndarray]:
    """The sums of groups as loose arrays, as a part of a panel keeps them."""
    arrays = {}
    for node, table in sums.items():
        arrays[f"{node}/keys"] = as_texts(table.keys)
        arrays |= {f"{node}/{name}": values for name, values in table.values.items()}
    return arrays


def from_arrays(arrays: Arrays, columns: list[str]) -> dict[str, Table]:
    """The sums of groups that `as_arrays` took apart."""
    sums = {}
    for node in _choices(columns):
        own = {
            name.removeprefix(f"{node}/"): of
            for name, of in arrays.items()
            if name.startswith(f"{node}/")
        }
        sums[node] = Table(from_texts(own.pop("keys")), own)
    return sums


def expected_totals(
    context: GroupContext, sums: dict[str, Table], params: GroupParams, steps: int
) -> np.ndarray:
    """The (groups, steps) mean units of the days after the last known; `sums`: of the whole."""
    waves = YEARS_WAVES if context.past.days.known >= WAVES_NEED_DAYS else YEARS_WAVES[:1]
    choices = _choices(params.columns or [])
    nodes = [_node(context, sums[name], choice) for name, choice in choices.items()]
    seasons = [
        _one_season(nodes, calendar_of(context, steps, count), params, steps) for count in waves
    ]
    totals = np.exp(np.mean(np.log1p(seasons), axis=0)) - 1
    return _halfway_to_last_year(nodes, totals)


def _choices(columns: list[str]) -> dict[str, list[str]]:
    """By table name the columns of each node."""
    alone = [[name] for name in columns]
    nodes = [[], *alone, *([columns] if len(columns) > 1 else [])]
    return {table_name(node): node for node in nodes}


def _sums(dense: DensePanel, columns: list[str], plans: list[np.ndarray]) -> Table:
    groups = grouping_by(dense.series, columns)
    group_ix, keys = groups.ix, groups.keys
    first = dense.days.padding
    y = dense.y[:, first : first + dense.days.known]
    values = {}
    for name, table in zip(("units", "promo", "price"), (y, *plans), strict=True):
        values[name], values[f"{name}_known"] = sum_by(table, group_ix, len(keys))
    regions = np.zeros((len(keys), int(dense.shared["region"].height // dense.days.width)))
    np.add.at(regions, (group_ix, dense.region_ix), 1)
    return Table(keys, {**values, "regions": regions})


def _one_season(
    nodes: list[_Node], calendar: Calendar, params: GroupParams, steps: int
) -> np.ndarray:
    """(groups, steps) of the last node, each node pulled towards those before it."""
    top = fitted = _fit(
        nodes[0], calendar, np.zeros(len(calendar.to_zero)), calendar.to_zero * params.ridge
    )
    parents: list[tuple[_Node, _Fit]] = []
    for node in nodes[1:]:
        prior = _prior(node, parents, top.effects[0]) if len(parents) > 1 else top.effects
        fitted = _fit(node, calendar, prior, calendar.to_parent * params.pull)
        parents.append((node, fitted))
    group = nodes[-1]
    growth = _growth(group.log_units) * (np.arange(1, steps + 1) + LEVEL_DAYS / 2) / YEAR
    effects = [
        calendar.design(group.regions[g], group.plans[g])[-steps:] @ row
        for g, row in enumerate(fitted.effects)
    ]
    return _units(np.array(effects) + fitted.level[:, None] + growth, fitted.residuals)


def _halfway_to_last_year(nodes: list[_Node], totals: np.ndarray) -> np.ndarray:
    """The (groups, steps) totals, their mean drawn halfway to what last year's change says, and
    less where the two lie further apart than AGREEING.
    """
    rows = [node.rows_of(nodes[-1]) for node in nodes]
    log_mean = log_mean_days(rows, [node.log_units for node in nodes], totals.shape[1])
    mean = totals.mean(axis=1)
    is_known = ~np.isnan(log_mean) & (mean > 0)
    factor = np.ones(len(totals))
    apart = log_mean[is_known] - np.log(mean[is_known])
    trust = np.clip(2 - np.abs(apart) / AGREEING, 0, 1)
    factor[is_known] = np.exp(apart * trust / 2)
    return totals * factor[:, None]


def _node(context: GroupContext, sums: Table, columns: list[str]) -> _Node:
    total, members = sums.values["units"].copy(), sums.values["units_known"]
    launched = np.maximum.accumulate(members, axis=1)
    median = np.median(total[:, -RECENT_DAYS:], axis=1, keepdims=True)
    total[(members < USUAL_MEMBERS * launched) | (launched == 0)] = np.nan
    groups = [values_of(key, columns) for key in sums.keys]
    older = older_units(context.past, groups, columns, total)
    total = np.hstack([older, total])
    usual = total > USUAL_SHARE * median
    regions = sums.values["regions"]
    return _Node(
        columns,
        sums,
        groups,
        np.where(usual, np.log1p(total), np.nan),
        regions / regions.sum(axis=1, keepdims=True),
        np.stack([_plan(sums, name, older.shape[1]) for name in ("promo", "price")], axis=-1),
    )


def _plan(sums: Table, name: str, older: int) -> np.ndarray:
    """(groups, older + known + steps) means of a plan where it is known, of the older days as it
    usually is; 0 where it is not.
    """
    total, known = sums.values[name], sums.values[f"{name}_known"]
    mean = np.where(known > 0, total / np.maximum(known, 1), 0.0)
    usual = np.repeat(mean.mean(axis=1, keepdims=True), older, axis=1)
    return np.hstack([usual, mean])


def _prior(group: _Node, parents: list[tuple[_Node, _Fit]], top: np.ndarray) -> np.ndarray:
    """(groups, effects): the grand total's effects, and what each parent adds to them."""
    added = [fit.effects[node.rows_of(group)] - top for node, fit in parents]
    prior: np.ndarray = top + sum(added)
    return prior


def _fit(node: _Node, calendar: Calendar, prior: np.ndarray, pull: np.ndarray) -> _Fit:
    """Every group of a node on its own; `prior` is (effects,) or (groups, effects)."""
    groups, known = node.log_units.shape
    knots = _knots(known)
    priors = np.broadcast_to(prior, (groups, len(pull)))
    designs = (calendar.design(node.regions[g], node.plans[g])[:known] for g in range(groups))
    fits = [
        _ridge(y, x, knots, b, pull)
        for y, x, b in zip(node.log_units, designs, priors, strict=True)
    ]
    return _Fit(*(np.array(part) for part in zip(*fits, strict=True)))


def _ridge(
    log_units: np.ndarray,
    design: np.ndarray,
    knots: np.ndarray,
    prior: np.ndarray,
    pull: np.ndarray,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Effects, last level, residuals of one group; without a usual day the prior and no level."""
    usual = ~np.isnan(log_units)
    if not usual.any():
        return prior, -np.inf, log_units
    x, y = np.hstack([design, knots])[usual], log_units[usual]
    noise = _noise(y - design[usual] @ prior)
    change = np.diff(np.eye(knots.shape[1]), axis=0)
    effects = len(pull)
    penalty = np.zeros((x.shape[1], x.shape[1]))
    penalty[:effects, :effects] = np.diag(pull) * noise
    penalty[effects:, effects:] = LEVEL_STIFFNESS * change.T @ change + 1e-4 * np.eye(
        knots.shape[1]
    )
    target = x.T @ y
    target[:effects] += pull * noise * prior
    solved = np.linalg.solve(x.T @ x + penalty, target)
    residuals = np.full(len(log_units), np.nan)
    residuals[usual] = y - x @ solved
    return solved[:effects], solved[-1], residuals


def _noise(deviations: np.ndarray) -> float:
    """A group's noise around what its parents say, over what the pulls were tuned at; 1 or more."""
    changes = np.diff(deviations, n=1)
    return max(1.0, float(np.var(changes)) / 2 / TYPICAL_NOISE**2) if len(changes) else 1.0


def _knots(known: int) -> np.ndarray:
    """(known, knots) hat functions, the last knot on the last known day."""
    count = -(-(known - 1) // LEVEL_DAYS) + 1
    at = known - 1 - np.arange(count)[::-1] * LEVEL_DAYS
    hats: np.ndarray = np.maximum(0, 1 - np.abs(np.arange(known)[:, None] - at) / LEVEL_DAYS)
    return hats


def _growth(log_units: np.ndarray) -> float:
    """The typical group's growth over the same days a year before, as a log over a year.

    0 with under a month to compare.
    """
    if log_units.shape[1] < YEAR + LEVEL_DAYS:
        return 0.0
    grown = log_units[:, YEAR:] - log_units[:, :-YEAR]
    per_group = [
        np.median(row[~np.isnan(row)]) for row in grown if (~np.isnan(row)).sum() >= LEVEL_DAYS
    ]
    return float(np.median(per_group)) if per_group else 0.0


def _units(log_units: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """The mean in units of what was fitted in logs: by smearing (Duan 1983), no normal's noise."""
    recent = np.exp(residuals[:, -SMEARING_DAYS:])
    known = ~np.isnan(recent)
    smearing = np.where(known, recent, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    factor = np.where(known.any(axis=1), smearing, 1.0)[:, None]
    units: np.ndarray = np.maximum(np.exp(log_units) * factor - 1, 0)
    return units
