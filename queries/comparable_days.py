"""The days a forecast can be held against, and what is known to be odd about them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.days import YEAR
from contract.panel import Panel

WEEKS = 8
RECENT_DAYS = 28


def comparable_days(known: Panel, unique_id: str, ds: date) -> pl.DataFrame:
    """why, ds, y, price, promo, event, stockout_share, is_open: the last weekdays, the day a year
    ago, days of the same event.
    """
    last = known.last_day
    newest = ds - timedelta(weeks=-(-(ds - last).days // 7))
    days = {newest - timedelta(weeks=k): "same weekday" for k in range(WEEKS)} | {
        ds - timedelta(days=YEAR): "52 weeks before"
    }
    days |= dict.fromkeys(_days_of_event(known, ds), "same event")
    wanted = pl.DataFrame(
        {"ds": list(days), "why": list(days.values())}, schema={"ds": pl.Date, "why": pl.String}
    )
    wanted = wanted.filter(pl.col("ds").is_between(known.first_day, last)).sort(
        "ds", descending=True
    )
    sold = known.sales.filter(unique_id=unique_id).select("ds", "y", "stockout_share", "is_open")
    prices = (
        known.prices.filter(unique_id=unique_id)
        .select("from_ds", "to_ds", "price", "promo")
        .sort("from_ds")
    )
    events = (
        known.calendar.filter(pl.col("event").is_not_null())
        .group_by("ds")
        .agg(pl.col("event").unique().sort())
    )
    priced = wanted.sort("ds").join_asof(prices, left_on="ds", right_on="from_ds")
    in_force = pl.col("to_ds") >= pl.col("ds")
    return (
        priced.with_columns(pl.when(in_force).then(pl.col("price", "promo")))
        .join(sold, on="ds", how="left")
        .join(events.select("ds", pl.col("event").list.join("|")), on="ds", how="left")
        .select("why", "ds", "y", "price", "promo", "event", "stockout_share", "is_open")
        .sort("ds", descending=True)
    )


def flags_of(
    known: Panel,
    unique_id: str,
    ds: date,
    origin: date,
    versions: pl.DataFrame,
    max_stockout_share: float,
) -> list[str]:
    """What a reader should know about the data behind the number, as sentences; empty when nothing
    is odd.
    """
    own = known.sales.filter(unique_id=unique_id).sort("ds")
    recent = own.filter(pl.col("ds") > known.last_day - timedelta(days=RECENT_DAYS))
    sentences = [
        _late(known.last_day, origin),
        _sold_out(recent, max_stockout_share),
        _zero_run(own),
        _absent(recent, RECENT_DAYS),
        _restated(versions, known.last_day),
        _unpriced(known, unique_id, ds),
    ]
    return [sentence for sentence in sentences if sentence]


def _days_of_event(known: Panel, ds: date) -> list[date]:
    """The last two days before that bore one of the events of this day."""
    events = known.calendar.filter(ds=ds)["event"].drop_nulls().to_list()
    if not events:
        return []
    before = known.calendar.filter(pl.col("event").is_in(events), pl.col("ds") <= known.last_day)
    return before["ds"].unique().sort(descending=True).head(2).to_list()


def _late(last_known: date, origin: date) -> str | None:
    late = (origin - last_known).days
    return (
        f"the newest sales the run knew are of {last_known}, {late} days before its origin"
        if late > 0
        else None
    )


def _sold_out(recent: pl.DataFrame, limit: float) -> str | None:
    days = recent.filter(pl.col("stockout_share") > 0)
    if days.is_empty():
        return None
    masked = days.filter(pl.col("stockout_share") > limit).height
    return (
        f"sold out for part of {days.height} of the last {RECENT_DAYS} days; {masked} of them over "
        f"{limit:.0%} and not learned from"
    )


def _zero_run(own: pl.DataFrame) -> str | None:
    sold = own.filter(pl.col("y") > 0)["ds"].max()
    if sold is None:
        return "never sold before the origin"
    zeros = (own["ds"].max() - sold).days
    return f"nothing sold on its last {zeros} days" if zeros >= 7 else None


def _absent(recent: pl.DataFrame, days: int) -> str | None:
    absent = days - recent.height
    return (
        f"no row on {absent} of the last {days} days (zero if its store reported, else unknown)"
        if absent > 0
        else None
    )


def _restated(versions: pl.DataFrame, last_day: date) -> str | None:
    recent = versions.filter(
        pl.col("ds").is_between(last_day - timedelta(days=RECENT_DAYS - 1), last_day)
    )
    if recent.is_empty():
        return None
    row = recent.row(-1, named=True)
    return (
        f"{recent['ds'].n_unique()} of the last {RECENT_DAYS} days were restated, the newest "
        f"{row['ds']}: {row['said_before']:g}, since {row['superseded_at']} {row['said_now']:g}"
    )


def _unpriced(known: Panel, unique_id: str, ds: date) -> str | None:
    prices = known.prices.filter(unique_id=unique_id).filter(pl.col("price").is_not_null())
    if prices.is_empty() or prices.filter(pl.col("from_ds") <= ds, pl.col("to_ds") >= ds).height:
        return None
    return f"no price was stated for {ds}; the last one is of {prices['to_ds'].max()}"
