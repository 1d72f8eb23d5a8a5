"""Whether a table's total is that of this shop: against the last eight weeks, and what it has done.

A chain's own past says how far a month may lie from the eight weeks before it: that of a toy shop
further than that of a grocery. Measured: docs/results/drills.md, "The model of another shop".
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.days import YEAR
from contract.panel import Panel
from contract.whole import numbers_of_all

LEVEL_DAYS = 56
FEWEST_UNITS = 100.0  # over the horizon, of all series; of fewer chance decides
# times the largest jump of a past of a year or more: clean tables reach 1.06 times it
MOST_BEYOND_PAST = 1.5


def is_implausible(rows: pl.DataFrame, known: Panel, horizon: int, most: float) -> bool:
    """Whether the model's total jumps by a factor beyond `most`, or half as far again as the shop
    ever did. Below a year of past only `most` counts: a season may not have been seen.
    """
    jump = _jump(rows, known, horizon)
    if jump <= MOST_BEYOND_PAST or (known.last_day - known.first_day).days + 1 < YEAR:
        return jump > most
    return jump > min(most, MOST_BEYOND_PAST * largest_jump(_daily_units(known), horizon))


def largest_jump(units: np.ndarray, horizon: int) -> float:
    """The largest factor, up or down, between the mean of `horizon` days and that of the LEVEL_DAYS
    before them, of (days,) units; 1 where too few are known. Spans without a sale say nothing.
    """
    until = np.concatenate([[0.0], np.cumsum(units)])
    origins = np.arange(LEVEL_DAYS, len(units) - horizon + 1)
    after = (until[origins + horizon] - until[origins]) / horizon
    before = (until[origins] - until[origins - LEVEL_DAYS]) / LEVEL_DAYS
    sold = (after > 0) & (before > 0)
    return float(np.exp(np.abs(np.log(after[sold] / before[sold])).max(initial=0.0)))


def _jump(rows: pl.DataFrame, known: Panel, horizon: int) -> float:
    """The factor, up or down, between units forecast and those at the last 8 weeks' level, of the
    series that had a row in them.

    A day without any row was closed or is not known: what lies between both readings is no jump.
    1 where too little sold to say. Rows that are no number are the ladder's matter, row by row.
    """
    days = min(LEVEL_DAYS, (known.last_day - known.first_day).days + 1)
    since = known.last_day - timedelta(days=days)
    newest = known.daily.filter(pl.col("ds") > since)
    forecast = _of_recent(rows, known, since)
    units = float(newest["units"].sum()) * horizon
    if forecast["rows"]:  # for want of a plan: the baseline fills them
        units *= 1 - forecast["with_reason"] / forecast["rows"]
    least, most = units / days, units / max(newest["ds"].n_unique(), 1)
    total = forecast["units"]
    if least < FEWEST_UNITS or total <= 0:
        return 1.0
    return max(total / most, least / total, 1.0)


def _of_recent(rows: pl.DataFrame, known: Panel, since: date) -> dict[str, float]:
    """Of the rows of series, in all parts, that had a row since then: how many, how many say why
    they have no forecast, and the units of the others.
    """
    recent = known.sales.filter(pl.col("ds") > since).select("unique_id").unique()
    compared = rows.join(recent, on="unique_id", how="semi")
    sound = compared.filter(pl.col("y_hat").is_finite() & (pl.col("y_hat") > 0))
    with_reason = compared["reason"].count() if "reason" in rows.columns else 0
    own = {
        "rows": compared.height,
        "with_reason": with_reason,
        "units": float(sound["y_hat"].sum()),
    }
    return numbers_of_all(known.whole, "level_jump", own)


def _daily_units(known: Panel) -> np.ndarray:
    """(days,) units of all series, from the panel's first day to its last; 0 on a day without a
    row.
    """
    by_day = known.daily.group_by("ds").agg(pl.col("units").sum()).sort("ds")
    whole = by_day.upsample("ds", every="1d")["units"].cast(pl.Float64).fill_null(0.0)
    units: np.ndarray = whole.to_numpy()
    return units
