"""When a row was learned, where its file does not say."""

from __future__ import annotations

from datetime import datetime, time

import polars as pl

from contract.frames import STORED_FACTS

ASSUMED_HOUR = time(6)  # extracts arrive in the early morning
_HAPPENED = ("sales", "totals", "stock", "open_orders")


def with_known_at(
    fact: str,
    rows: pl.DataFrame,
    now: datetime,
    assumed_delay_days: int | None,
    past_only: tuple[str, ...] = (),
) -> tuple[pl.DataFrame, str]:
    """The rows with every `known_at` filled, and where it came from: file, received or assumed.

    A delay of None: the row was learned `now`. Else it came in a first load, and an assumption must
    do: what happened (sales, totals, stock, past-only covariates) was known so many days after its
    day, a calendar before the first day of the load, what is planned of a series (prices, other
    covariates) on its own day: how far ahead it was known nobody says, and a backtest that took all
    of it for known would claim what no morning can publish (features.reach). Supply is of no day:
    it was learned `now`.
    """
    if rows["known_at"].null_count() == 0:
        return rows, "file"
    if assumed_delay_days is None or fact == "supply":
        return rows.with_columns(
            pl.col("known_at").fill_null(pl.lit(now, pl.Datetime("us")))
        ), "received"
    day = pl.col("ds" if "ds" in STORED_FACTS[fact].key else "from_ds")
    morning = pl.duration(hours=ASSUMED_HOUR.hour)
    happened = day.cast(pl.Datetime("us")) + pl.duration(days=assumed_delay_days) + morning
    first = day.min() if fact == "calendar" else day
    planned = first.cast(pl.Datetime("us")) + morning
    is_past = pl.lit(fact in _HAPPENED)
    if fact == "covariates":
        is_past = pl.col("name").is_in(list(past_only))
    assumed = pl.when(is_past).then(happened).otherwise(planned)
    # nothing is learned after it came: a correction made meanwhile would be older
    moment = pl.lit(now, pl.Datetime("us"))
    rows = rows.with_columns(pl.col("known_at").fill_null(pl.min_horizontal(assumed, moment)))
    if fact in _HAPPENED:
        return rows, f"assumed: ds + {assumed_delay_days} days, {ASSUMED_HOUR:%H:%M}"
    what = "days known from the first" if fact == "calendar" else "plans known on their own day"
    return rows, f"assumed: {what}"
