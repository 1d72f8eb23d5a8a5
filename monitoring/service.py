"""Service: whether today's table is there, whole and sane, and how much of it the champion made."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.quantiles import QUANTILES
from monitoring.finding import Finding, not_judged


def fallback(forecasts: pl.DataFrame, max_share: float) -> Finding:
    """Share of the newest forecast's rows with a reason, that is not made by the champion."""
    if forecasts.is_empty():
        return not_judged("fallback", "nothing was forecast yet")
    fallen = forecasts.filter(pl.col("reason").is_not_null())
    share = fallen.height / forecasts.height
    reasons = fallen.group_by("reason").len().sort("len", descending=True).head(3)
    why = ", ".join(f"{reason} {rows}" for reason, rows in reasons.iter_rows())
    return Finding(
        "fallback",
        f"{share:.1%} of {forecasts.height} forecast rows are not the champion's"
        + (f" ({why})" if why else ""),
        "ok" if share <= max_share else "error" if share > 0.5 else "warning",
        share,
        max_share,
        "no_model: publish or roll back a model. features_missing: bring the missing price, "
        "calendar or covariate feed. launch, no_history: new items, expected where many begin.",
        _origin_of(forecasts),
    )


def sanity(forecasts: pl.DataFrame, series: pl.DataFrame) -> Finding:
    """Rows that must not exist: null, negative, crossing quantiles, a series without its rows."""
    if forecasts.is_empty():
        return not_judged("sanity", "nothing was forecast yet")
    numbers = ["y_hat", *QUANTILES]
    crossing = pl.any_horizontal(
        pl.col(low) > pl.col(high)
        for low, high in zip(list(QUANTILES), list(QUANTILES)[1:], strict=False)
    )
    counts = {
        "null": forecasts.filter(
            pl.any_horizontal(pl.col(numbers).is_null() | pl.col(numbers).is_nan())
        ).height,
        "negative": forecasts.filter(pl.any_horizontal(pl.col(numbers) < 0)).height,
        "crossing": forecasts.filter(crossing).height,
        "missing": series.height * forecasts["ds"].n_unique() - forecasts.height,
    }
    wrong = {name: count for name, count in counts.items() if count > 0}
    return Finding(
        "sanity",
        f"forecast rows that must not exist: {wrong}"
        if wrong
        else f"{forecasts.height} forecast rows, all sound",
        "error" if wrong else "ok",
        float(sum(wrong.values())),
        0.0,
        "Hold back today's orders from this table; publish the previous run's." if wrong else "",
        _origin_of(forecasts),
    )


def forecast_age(forecasts: pl.DataFrame, last_day: date, max_days: int) -> Finding:
    """Days between the newest sales day and the newest forecast's origin: 0 when each arrival was
    forecast from.
    """
    if forecasts.is_empty():
        return not_judged("forecast_age", "nothing was forecast yet")
    origin = _origin_of(forecasts)
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


def _origin_of(forecasts: pl.DataFrame) -> date:
    origin: date = forecasts.select(pl.max("origin")).item()
    return origin
