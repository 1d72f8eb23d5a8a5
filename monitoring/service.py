"""Service: whether today's table is there, whole and sane, and how much of it the champion made."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.quantiles import QUANTILES
from contract.sums import summed
from contract.whole import ALONE, Whole
from monitoring.finding import Finding, not_judged


def fallback(forecasts: pl.DataFrame, max_share: float, whole: Whole = ALONE) -> Finding:
    """Share of the newest forecast's rows with a reason, that is not made by the champion."""
    own = forecasts.group_by("origin", "reason").agg(rows=pl.len())
    sums = summed(whole, "fallback", own, ["origin", "reason"])
    if sums.is_empty():
        return not_judged("fallback", "nothing was forecast yet")
    fallen = sums.filter(pl.col("reason").is_not_null())
    rows = int(sums["rows"].sum())
    share = int(fallen["rows"].sum()) / rows
    reasons = fallen.sort("rows", "reason", descending=[True, False]).head(3)
    why = ", ".join(f"{reason} {rows}" for reason, rows in reasons["reason", "rows"].iter_rows())
    return Finding(
        "fallback",
        f"{share:.1%} of {rows} forecast rows are not the champion's"
        + (f" ({why})" if why else ""),
        "ok" if share <= max_share else "error" if share > 0.5 else "warning",
        share,
        max_share,
        "no_model: publish or roll back a model. features_missing: bring the missing price, "
        "calendar or covariate feed. launch, no_history: new items, expected where many begin.",
        _origin_of(sums),
    )


def sanity(forecasts: pl.DataFrame, series: pl.DataFrame, whole: Whole = ALONE) -> Finding:
    """Rows that must not exist: null, negative, crossing quantiles, a series without its rows."""
    numbers = ["y_hat", *QUANTILES]
    crossing = pl.any_horizontal(
        pl.col(low) > pl.col(high)
        for low, high in zip(list(QUANTILES), list(QUANTILES)[1:], strict=False)
    )
    wrong_rows = {
        "null": pl.any_horizontal(pl.col(numbers).is_null() | pl.col(numbers).is_nan()).sum(),
        "negative": pl.any_horizontal(pl.col(numbers) < 0).sum(),
        "crossing": crossing.sum(),
    }
    own = forecasts.group_by("origin", "ds").agg(rows=pl.len(), **wrong_rows)
    daily = summed(whole, "sanity", own, ["origin", "ds"])
    if daily.is_empty():
        return not_judged("sanity", "nothing was forecast yet")
    rows = int(daily["rows"].sum())
    counts = {name: int(daily[name].sum()) for name in wrong_rows}
    counts["missing"] = whole.series(series).height * daily["ds"].n_unique() - rows
    wrong = {name: count for name, count in counts.items() if count > 0}
    return Finding(
        "sanity",
        f"forecast rows that must not exist: {wrong}"
        if wrong
        else f"{rows} forecast rows, all sound",
        "error" if wrong else "ok",
        float(sum(wrong.values())),
        0.0,
        "Hold back today's orders from this table; publish the previous run's." if wrong else "",
        _origin_of(daily),
    )


def forecast_age(
    forecasts: pl.DataFrame, last_day: date, max_days: int, whole: Whole = ALONE
) -> Finding:
    """Days between the newest sales day and the newest forecast's origin: 0 when each arrival was
    forecast from.
    """
    own = forecasts.group_by("origin").agg(rows=pl.len())
    tables = summed(whole, "forecast_age", own, ["origin"])
    if tables.is_empty():
        return not_judged("forecast_age", "nothing was forecast yet")
    origin = _origin_of(tables)
    age_days = (last_day - origin).days
    return Finding(
        "forecast_age",
        f"the newest forecast stands on {origin}, {age_days} days before the newest sales day",
        "error" if age_days > max_days else "ok",
        float(age_days),
        float(max_days),
        "Run `python inference.py`; look why the daily flow did not.",
        origin,
    )


def _origin_of(tables: pl.DataFrame) -> date:
    origin: date = tables.select(pl.max("origin")).item()
    return origin
