"""Which days of the coming weeks are the strong ones, on a group level: a weighted ridge regression of log units on what a day is.

A booster over single series sees mostly noise and learns pay days, weekdays and events of a department late and weakly; the
department's own total shows them plainly. So the level of a forecast is left as the series' model says, and its *shape* over the
horizon is taken from the groups: sums over the horizon do not change, days inside it do. (Measured in system_design 12.)
"""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.params import ShapeParams
from features.hierarchy import group_index, sum_by
from features.space import Space

DAYS_A_YEAR = 365.25
MONTH_PARTS = ((1, 3), (4, 7), (8, 12), (13, 16), (28, 31))  # days of the month around which people are paid
USUAL_SHARE = 0.2  # a day under this share of the recent median was no normal day: closed, or the feed was missing
RECENT_DAYS = 56


def aligned(space: Space, y_hat: np.ndarray, params: ShapeParams) -> np.ndarray:
    """(series, steps) means with each group's days in the proportions its own history predicts; group sums stay as they were."""
    group_ix = group_index(space.series, params.columns)
    ours = sum_by(y_hat, group_ix, int(group_ix.max()) + 1)[0]
    theirs = expected_totals(space, group_ix, y_hat.shape[1], params)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (theirs / theirs.sum(axis=1, keepdims=True)) / (ours / ours.sum(axis=1, keepdims=True))
    ratio = np.where(np.isfinite(ratio) & (ours > 0), ratio, 1.0) ** params.strength
    moved = y_hat * ratio[group_ix]
    kept = sum_by(moved, group_ix, len(ours))[0].sum(axis=1)
    rescale = np.where(kept > 0, ours.sum(axis=1) / np.where(kept > 0, kept, 1.0), 1.0)
    return moved * rescale[group_ix][:, None]


def expected_totals(space: Space, group_ix: np.ndarray, steps: int, params: ShapeParams) -> np.ndarray:
    """(groups, steps) units a group is expected to sell; only the proportions within a row are meant."""
    groups, known = int(group_ix.max()) + 1, space.days.known
    window = slice(space.days.gutter, space.days.gutter + known + steps)
    totals = sum_by(space.y[:, window][:, :known], group_ix, groups)[0]
    plans = _plans(space, group_ix, groups, window)
    days = _what_days_are(space, known + steps)
    shares = _region_shares(space, group_ix, groups)
    weights = 0.5 ** (np.arange(known)[::-1] / params.half_life_days)
    return np.array(
        [
            _one_group(totals[g], np.column_stack([np.tensordot(shares[g], days, 1), plans[g]]), weights, params.ridge)
            for g in range(groups)
        ]
    )


def _one_group(total: np.ndarray, design: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    known = len(total)
    usual = total > USUAL_SHARE * np.median(total[-RECENT_DAYS:])
    x, log_units, w = design[:known][usual], np.log1p(total[usual]), weights[usual, None]
    penalty = np.full(design.shape[1], ridge)
    penalty[:7] = 0.01  # weekdays carry the level and are left almost free
    coefficients = np.linalg.solve((x * w).T @ x + np.diag(penalty), (x * w).T @ log_units)
    return np.exp(design[known:] @ coefficients)


def _what_days_are(space: Space, length: int) -> np.ndarray:
    """(regions, days, columns): weekday dummies first, pay days, parts of the month, season, events and their eves."""
    table = space.shared["region"]
    regions = table.height // space.days.width
    per_region = []
    for region in range(regions):
        rows = table.slice(region * space.days.width + space.days.gutter, length)
        per_region.append(
            _day_columns(rows, space.days.first.timetuple().tm_yday, max(space.vocabulary.events.values(), default=0))
        )
    return np.array(per_region)


def _day_columns(rows: pl.DataFrame, first_day_of_year: int, events: int) -> np.ndarray:
    weekday, month_day, event = (rows[f"calendar_{name}"].to_numpy() for name in ("weekday", "day_of_month", "event"))
    payday = np.nan_to_num(rows["calendar_is_payday"].to_numpy())
    angle = 2 * np.pi * (first_day_of_year + np.arange(len(weekday))) / DAYS_A_YEAR
    eve = np.append(event[1:], 0)
    columns = [weekday == day for day in range(1, 8)]
    columns += [payday, payday * (weekday == 6), payday * (weekday == 7)]
    columns += [(month_day >= first) & (month_day <= last) for first, last in MONTH_PARTS]
    columns += [wave(k * angle) for k in (1, 2) for wave in (np.sin, np.cos)]
    columns += [days == code for code in range(1, events + 1) for days in (eve, event)]
    return np.column_stack(columns).astype(np.float64)


def _plans(space: Space, group_ix: np.ndarray, groups: int, window: slice) -> np.ndarray:
    """(groups, days, 2): share of the group's series on promotion, and its mean log price against the series' own mean."""
    promo = sum_by(space.by_series["promo"][:, window], group_ix, groups)[0] / np.bincount(group_ix)[:, None]
    known_price = space.by_series["price"][:, window]
    with np.errstate(invalid="ignore", divide="ignore"):
        price = np.log(np.where(known_price > 0, known_price, np.nan))
        own = np.nansum(price, axis=1, keepdims=True) / (~np.isnan(price)).sum(axis=1, keepdims=True)
        total, priced = sum_by(price - own, group_ix, groups)
        level = np.where(priced > 0, total / priced, 0.0)
    return np.stack([promo, level], axis=-1)


def _region_shares(space: Space, group_ix: np.ndarray, groups: int) -> np.ndarray:
    """(groups, regions): how a group's series are spread over calendar regions."""
    region_ix = space.entity_ix["region"]
    counts = np.zeros((groups, int(region_ix.max()) + 1))
    np.add.at(counts, (group_ix, region_ix), 1)
    return counts / counts.sum(axis=1, keepdims=True)
