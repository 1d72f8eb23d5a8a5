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
from features.days_off import days_off
from features.dense import Days, leave_out_sold_out, units_sold
from forecasting.columns import first_day

LEAST_KNOWN = 0.8  # of a group's forecast units


def with_actuals(forecasts: pl.DataFrame, panel: Panel, rules: DemandRules) -> pl.DataFrame:
    """The forecast rows whose day has come and is known, with y, error and week.

    y in units, error = y_hat - y, week ahead from 1.

    Known as in the backtest's score (forecasting.window): an absent row is a zero if its feed
    arrived, and a day off of a store that keeps days of its own is one (features.days_off); closed
    days, missing feeds and days sold out for more than `rules.max_stockout_share` are left out.
    """
    past = forecasts.filter(pl.col("ds") <= panel.last_day)
    actuals = units_by_day(panel, first_day(past), rules) if past.height else _NOTHING
    return (
        past.join(actuals, on=["unique_id", "ds"], how="inner", validate="m:1")
        .with_columns(error=pl.col("y_hat") - pl.col("y"), week=week_ahead())
        .sort("origin", "unique_id", "ds")
    )


def levels_with_actuals(
    published: pl.DataFrame, by_series: pl.DataFrame, series: pl.DataFrame, levels: list[Level]
) -> pl.DataFrame:
    """The rows of FORECAST_LEVELS whose day has come, with y, error and week as `with_actuals`.

    `by_series`: with_actuals of the same runs' series. Where some of a group's series are not known
    (closed, sold out), the group's row is taken in the share that the known ones carry, as the
    backtest does: quantiles are multiples of the mean. Less than LEAST_KNOWN of it is not judged.
    """
    rows = []
    for level in levels:
        keyed = by_series.join(
            series.select("unique_id", level.group_key), on="unique_id", how="inner"
        )
        sums = keyed.group_by("run_id", "group_key", "ds").agg(
            pl.col("y").sum(), carried=pl.col("y_hat").sum()
        )
        rows.append(
            published.filter(level=level.name).join(
                sums, on=["run_id", "group_key", "ds"], how="inner"
            )
        )
    share = pl.col("carried") / pl.col("y_hat")
    judged = pl.concat(rows).filter(pl.col("y_hat") > 0, share >= LEAST_KNOWN)
    scaled = judged.with_columns(pl.col("y_hat", *QUANTILES) * share).drop("carried")
    return scaled.with_columns(error=pl.col("y_hat") - pl.col("y"), week=week_ahead())


def week_ahead() -> pl.Expr:
    """The week ahead a row lies in, from 1."""
    return (pl.col("h") - 1) // WEEK + 1


def units_by_day(panel: Panel, first: date, rules: DemandRules) -> pl.DataFrame:
    """unique_id, ds, y of every series and day since `first` that a forecast is judged on."""
    recent = replace(panel, sales=panel.sales.filter(pl.col("ds") >= first))
    days = Days(first, (panel.last_day - first).days + 1, 0, padding=0)
    y = leave_out_sold_out(units_sold(recent, days, rules), recent, days, rules)
    is_off = days_off(panel, first, panel.last_day)
    if is_off is not None:
        y[is_off] = 0.0
    at_series, at_day = np.nonzero(~np.isnan(y))
    axis = pl.date_range(first, panel.last_day, eager=True)
    return pl.DataFrame(
        {
            "unique_id": panel.series["unique_id"].gather(at_series),
            "ds": axis.gather(at_day),
            "y": y[at_series, at_day].astype(np.float64),
        }
    )


_NOTHING = pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64})
