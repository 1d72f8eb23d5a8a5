"""What a day is, as numbers a regression can hold.

Weekday, pay day, part of the month, season, events around it, promotion, price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.dense_panel import DensePanel, GroupContext

DAYS_A_YEAR = 365.25
# days around which people are paid
MONTH_PARTS = ((1, 3), (4, 7), (8, 12), (13, 16), (21, 24), (25, 27), (28, 31))

# kind of effect: pull towards zero, and of a group towards its parents (1 is worth one day of a
# group with 10% noise)
PULLS = {
    "weekday": (0.01, 3.0),  # carry the level: almost free
    "payday": (0.3, 3.0),
    "month_part": (1.0, 10.0),
    "wave": (1.0, 5.0),
    "event": (0.1, 3.0),
    "eve": (0.3, 5.0),
    "second_eve": (0.6, 5.0),
    "day_after": (0.3, 5.0),
    "promo": (1.0, 5.0),
    "price": (1.0, 5.0),
}


@dataclass(frozen=True)
class Calendar:
    """One row of numbers per region and day, and how hard each effect is pulled."""

    by_region: np.ndarray  # (regions, days, columns)
    kinds: list[str]  # of the columns, then of the plans a group adds to them

    @property
    def to_zero(self) -> np.ndarray:
        """(effects,) pulls of the grand total."""
        return np.array([PULLS[kind][0] for kind in self.kinds])

    @property
    def to_parent(self) -> np.ndarray:
        """(effects,) pulls of everything below it."""
        return np.array([PULLS[kind][1] for kind in self.kinds])

    def design(self, regions: np.ndarray, plans: np.ndarray) -> np.ndarray:
        """(days, effects) of a group, from its shares of regions and its (days, plans)."""
        return np.hstack([np.tensordot(regions, self.by_region, 1), plans])


def calendar_of(groups: GroupContext, steps: int, waves: int) -> Calendar:
    """The days of the groups' past and the `steps` after them, with `waves` yearly waves."""
    table, days = groups.past_calendar, groups.past.days
    first = days.first.timetuple().tm_yday
    events = max(groups.events.values(), default=0)
    regions = [
        _day_columns(table.slice(start + days.padding, days.known + steps), first, events, waves)
        for start in range(0, table.height, days.width)
    ]
    return Calendar(np.array([values for values, _ in regions]), [*regions[0][1], "promo", "price"])


def plans_of_series(dense: DensePanel, steps: int) -> list[np.ndarray]:
    """(series, known + steps) tables of promotion and of log price against the series' own mean.

    A price is NaN where unknown; a promotion unknown is the share of days the series has them.
    """
    days = slice(dense.days.padding, dense.days.padding + dense.days.known + steps)
    price = dense.by_series["price"][:, days]
    with np.errstate(invalid="ignore", divide="ignore"):
        price = np.log(np.where(price > 0, price, np.float32(np.nan)))
        own = np.nansum(price, axis=1, keepdims=True) / (~np.isnan(price)).sum(
            axis=1, keepdims=True
        )
    promo = dense.by_series["promo"][:, days]
    is_unknown = np.isnan(promo)
    if is_unknown.any():
        on_known = np.maximum((~is_unknown).sum(axis=1, keepdims=True), 1)
        promo = np.where(is_unknown, np.nansum(promo, axis=1, keepdims=True) / on_known, promo)
    return [promo, price - own]


def _day_columns(
    rows: pl.DataFrame, first_day_of_year: int, events: int, waves: int
) -> tuple[np.ndarray, list[str]]:
    weekday, month_day, event = (
        rows[f"calendar_{name}"].to_numpy() for name in ("weekday", "day_of_month", "event")
    )
    angle = 2 * np.pi * (first_day_of_year + np.arange(len(weekday))) / DAYS_A_YEAR
    columns = [("weekday", weekday == day) for day in range(1, 8)]
    columns += [("payday", np.nan_to_num(rows["calendar_is_payday"].to_numpy()))]
    columns += [
        ("month_part", (month_day >= first) & (month_day <= last)) for first, last in MONTH_PARTS
    ]
    columns += [("wave", wave(k * angle)) for k in range(1, waves + 1) for wave in (np.sin, np.cos)]
    near = {"event": 0, "eve": 1, "second_eve": 2, "day_after": -1}
    columns += [
        (kind, _shifted(event, days) == code)
        for code in range(1, events + 1)
        for kind, days in near.items()
    ]
    return np.column_stack([values for _, values in columns]).astype(np.float64), [
        kind for kind, _ in columns
    ]


def _shifted(event: np.ndarray, days: int) -> np.ndarray:
    """The event `days` later than each day, 0 beyond the edges."""
    shifted = np.zeros_like(event)
    if days >= 0:
        shifted[: len(event) - days] = event[days:]
    else:
        shifted[-days:] = event[:days]
    return shifted
