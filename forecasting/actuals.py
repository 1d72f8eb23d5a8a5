"""Published forecasts beside the actuals: what accuracy and calibration are measured on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.demand import DemandRules
from contract.levels import Level
from contract.panel import Panel
from contract.quantiles import QUANTILES
from contract.sums import kept_frame, summed
from contract.whole import ALONE, Whole
from features.days_off import days_off
from features.dense import Days, leave_out_sold_out, locate, units_sold
from forecasting.columns import first_day

_PLACE = "place of the series"
LEAST_KNOWN = 0.8  # of a group's forecast units


def with_actuals(forecasts: pl.DataFrame, panel: Panel, rules: DemandRules) -> pl.DataFrame:
    """The forecast rows whose day has come and is known, with y, error and week.

    y in units, error = y_hat - y, week ahead from 1; sorted by origin, series and day.

    Known as in the backtest's score (forecasting.window): an absent row is a zero if its feed
    arrived, and a day off of a store that keeps days of its own is one (features.days_off); closed
    days, missing feeds and days sold out for more than `rules.max_stockout_share` are left out.
    """
    past = forecasts.filter(pl.col("ds") <= panel.last_day)
    if past.is_empty():
        return _judged(past, np.zeros(0))
    days = _days_since(first_day(past), panel)
    y = _known_units(panel, days, rules)
    located = locate(past, panel.series, days).rename({"entity_ix": _PLACE})
    cells = located[_PLACE].to_numpy(), located["day_ix"].to_numpy()
    judged = _judged(located.drop("day_ix"), y[cells])
    # numbers sort faster than names
    return judged.sort("origin", _PLACE, "ds").drop(_PLACE)


def _judged(past: pl.DataFrame, y: np.ndarray) -> pl.DataFrame:
    """The rows of which y is known, with what is judged."""
    known = past.with_columns(pl.Series("y", y, pl.Float64)).filter(pl.col("y").is_not_nan())
    return known.with_columns(error=pl.col("y_hat") - pl.col("y"), week=week_ahead())


def levels_with_actuals(
    published: pl.DataFrame,
    by_series: pl.DataFrame,
    series: pl.DataFrame,
    levels: list[Level],
    whole: Whole = ALONE,
) -> pl.DataFrame:
    """The rows of FORECAST_LEVELS whose day has come, with y, error and week as `with_actuals`.

    `by_series`: with_actuals of the same runs' series. Where some of a group's series are not known
    (closed, sold out), the group's row is taken in the share that the known ones carry, as the
    backtest does: quantiles are multiples of the mean. Less than LEAST_KNOWN of it is not judged.
    """
    key = ["run_id", "level", "group_key", "ds"]
    own = kept_frame(whole, "sums of levels", lambda: _sums_of_levels(by_series, series, levels))
    of_all = summed(whole, "levels", own, key)
    ordered = pl.concat(published.filter(level=level.name) for level in levels)
    rows = ordered.join(of_all, on=key, how="inner", maintain_order="left")
    share = pl.col("carried") / pl.col("y_hat")
    judged = rows.filter(pl.col("y_hat") > 0, share >= LEAST_KNOWN)
    scaled = judged.with_columns(pl.col("y_hat", *QUANTILES) * share).drop("carried")
    return scaled.with_columns(error=pl.col("y_hat") - pl.col("y"), week=week_ahead())


def _sums_of_levels(
    by_series: pl.DataFrame, series: pl.DataFrame, levels: list[Level]
) -> pl.DataFrame:
    """run_id, level, group_key, ds; y, and the `carried` forecast units, of the rows that are
    known.
    """
    sums = []
    for level in levels:
        keyed = by_series.select("run_id", "unique_id", "ds", "y", "y_hat").join(
            series.select("unique_id", level.group_key), on="unique_id", how="inner"
        )
        of_groups = keyed.group_by("run_id", "group_key", "ds").agg(
            pl.col("y").sum(), carried=pl.col("y_hat").sum()
        )
        sums.append(of_groups.with_columns(level=pl.lit(level.name)))
    return pl.concat(sums)


def week_ahead() -> pl.Expr:
    """The week ahead a row lies in, from 1."""
    return (pl.col("h") - 1) // WEEK + 1


def units_by_day(panel: Panel, first: date, rules: DemandRules) -> pl.DataFrame:
    """unique_id, ds, y of every series and day since `first` that a forecast is judged on."""
    y = _known_units(panel, _days_since(first, panel), rules)
    at_series, at_day = np.nonzero(~np.isnan(y))
    axis = pl.date_range(first, panel.last_day, eager=True)
    return pl.DataFrame(
        {
            "unique_id": panel.series["unique_id"].gather(at_series),
            "ds": axis.gather(at_day),
            "y": y[at_series, at_day].astype(np.float64),
        }
    )


def _days_since(first: date, panel: Panel) -> Days:
    return Days(first, (panel.last_day - first).days + 1, 0, padding=0)


def _known_units(panel: Panel, days: Days, rules: DemandRules) -> np.ndarray:
    """(series, days) units that a forecast is judged on, NaN for none."""
    recent = replace(panel, sales=panel.sales.filter(pl.col("ds") >= days.first))
    y = leave_out_sold_out(units_sold(recent, days, rules), recent, days, rules)
    is_off = days_off(panel, days.first, panel.last_day)
    if is_off is not None:
        y[is_off] = 0.0
    return y
