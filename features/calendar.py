"""The calendar family: what the target day is, and how far the events around it are."""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.panel import Panel
from features.dense import Days
from features.feature import Feature

EVERYWHERE = "*"
TABLE = "region"


def calendar_table(
    panel: Panel, days: Days, regions: list[str], reach_days: int, event_codes: dict[str, int]
) -> pl.DataFrame:
    """Region x day: calendar_* columns, all known ahead. Row order as features.dense.

    `event_codes` is the frozen vocabulary (event name -> code); an event it does not hold is code
    0, as is no event.
    """
    end = days.known + days.ahead
    # an event just past the last target day is near, too
    seen = np.arange(-days.padding, end + reach_days, dtype=np.int32)
    base = pl.DataFrame({"day_ix": seen}).with_columns(
        ds=pl.lit(days.first) + pl.duration(days=pl.col("day_ix"))
    )
    everywhere = _region(panel.calendar, EVERYWHERE)
    return pl.concat(
        [
            _one_region(base, everywhere, panel.calendar, region, reach_days, event_codes)
            for region in regions
        ]
    ).filter(pl.col("day_ix") < end)


def calendar_features() -> list[Feature]:
    """One feature per calendar column, read at the target day."""
    names = [
        "weekday",
        "day_of_month",
        "week_of_year",
        "days_to_event",
        "days_from_event",
        "payday_week",
        "is_payday",
    ]
    features = [
        Feature(f"calendar_{n}", "calendar", TABLE, "target", pl.col(f"calendar_{n}"))
        for n in names
    ]
    return [
        *features,
        Feature(
            "calendar_event",
            "calendar",
            TABLE,
            "target",
            pl.col("calendar_event"),
            is_category=True,
        ),
    ]


def event_vocabulary(calendar: pl.DataFrame) -> dict[str, int]:
    """Event name -> code from 1, in alphabetical order."""
    names = sorted(calendar["event"].drop_nulls().unique().to_list())
    return {name: code for code, name in enumerate(names, start=1)}


def closed_days(panel: Panel, days: Days, regions: list[str]) -> np.ndarray:
    """(region, width) of booleans: days on which the calendar says nothing is sold."""
    closed = np.zeros((len(regions), days.width), dtype=bool)
    shut = panel.calendar.filter(pl.col("is_closed")).with_columns(day_ix=days.index(pl.col("ds")))
    shut = shut.filter(pl.col("day_ix").is_between(0, days.known + days.ahead - 1))
    for region, day_ix in shut.select("region", "day_ix").iter_rows():
        rows = (
            slice(None)
            if region == EVERYWHERE
            else [k for k, name in enumerate(regions) if name == region]
        )
        closed[rows, days.padding + day_ix] = True
    return closed


def regions_of(series: pl.DataFrame, region: str | None) -> tuple[list[str], np.ndarray]:
    """The calendar regions in alphabetical order, and for each series the index of its own.

    One region for all series where no column names them.
    """
    if region is None or region not in series.columns:
        return [EVERYWHERE], np.zeros(series.height, dtype=np.int64)
    names = sorted(series[region].unique().to_list())
    return names, series[region].rank("dense").to_numpy().astype(np.int64) - 1


def _region(calendar: pl.DataFrame, region: str) -> pl.DataFrame:
    return calendar.filter(pl.col("region") == region).select("ds", "event", "is_payday")


def _one_region(
    base: pl.DataFrame,
    everywhere: pl.DataFrame,
    calendar: pl.DataFrame,
    region: str,
    reach: int,
    codes: dict[str, int],
) -> pl.DataFrame:
    local = _region(calendar, region) if region != EVERYWHERE else everywhere.clear()
    merged = (
        base.join(everywhere, on="ds", how="left", validate="1:1", maintain_order="left")
        .join(local, on="ds", how="left", suffix="_local", validate="1:1", maintain_order="left")
        .with_columns(
            event=pl.coalesce("event_local", "event"),
            is_payday=pl.coalesce("is_payday_local", "is_payday").fill_null(False),
        )
    )
    day, event_day = pl.col("day_ix"), pl.when(pl.col("event").is_not_null()).then(pl.col("day_ix"))
    return merged.select(
        "day_ix",
        calendar_weekday=pl.col("ds").dt.weekday().cast(pl.Float32),
        calendar_day_of_month=pl.col("ds").dt.day().cast(pl.Float32),
        calendar_week_of_year=pl.col("ds").dt.week().cast(pl.Float32),
        calendar_days_to_event=_within(event_day.backward_fill() - day, reach),
        calendar_days_from_event=_within(day - event_day.forward_fill(), reach),
        calendar_is_payday=pl.col("is_payday").cast(pl.Float32),
        calendar_payday_week=pl.col("is_payday").cast(pl.Float32).rolling_mean(WEEK, min_samples=1),
        calendar_event=pl.col("event")
        .replace_strict(codes, default=0, return_dtype=pl.Float32)
        .fill_null(0),
    )


def _within(distance: pl.Expr, reach: int) -> pl.Expr:
    return pl.min_horizontal(distance.fill_null(reach), pl.lit(reach)).cast(pl.Float32)
