"""When is ordered, when it arrives, and which days the delivery must last for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from contract.days import WEEK

# the columns of supply that decide the calendar of a series
DECIDING = ("order_days", "review_days", "first_order", "lead_days", "shelf_life_days")


# a clock so far after a table's origin is the order's; further on it is a look back
LATE_DAYS = 7


@dataclass(frozen=True)
class Rhythm:
    """How a series is ordered.

    `order_days`: ISO weekdays, 1 is Monday; empty: every `review_days` days, one of them
    `first_order`. `lead_days`: days to delivery, before opening, each with its probability.
    `life_days`: days a delivered unit can be sold; None keeps.
    """

    order_days: tuple[int, ...]
    review_days: int
    first_order: date | None
    lead_days: tuple[tuple[int, float], ...]
    life_days: int | None

    def is_order_day(self, day: date) -> bool:
        """Whether is ordered on that day's morning."""
        if self.order_days:
            return day.isoweekday() in self.order_days
        if self.first_order is None:
            return True  # nothing says from which day the review is counted
        return (day - self.first_order).days % self.review_days == 0

    def next_order_day(self, day: date) -> date:
        """The next one after that day."""
        if not self.order_days:
            return day + timedelta(days=self.review_days)
        ahead = (day + timedelta(days=k) for k in range(1, WEEK + 1))
        return next(later for later in ahead if self.is_order_day(later))


@dataclass(frozen=True)
class Cover:
    """The days an order must last for: `first .. last`, with this probability."""

    first: date
    last: date
    probability: float


@dataclass(frozen=True)
class Life:
    """The last day a delivery can be sold, and whether that is before any next one comes: what is
    left then is lost, as a newsvendor's papers are.
    """

    last: date
    is_one_cover: bool


def order_day_of(origin: date, today: date) -> date:
    """The day a table is ordered by: the one after its origin; today, where a late feed leaves the
    table a few days behind.
    """
    following = origin + timedelta(days=1)
    return today if following < today <= origin + timedelta(days=LATE_DAYS) else following


def rhythm_of(supply: dict[str, object], lead_days: int) -> Rhythm:
    """A row of supply in its canonical texts ('1 4'; '2:0.8 3:0.2'); `lead_days`: where it says
    none.
    """
    order_days, leads = supply["order_days"], supply["lead_days"]
    life, review = supply["shelf_life_days"], supply["review_days"]
    first = supply["first_order"]
    return Rhythm(
        tuple(int(day) for day in str(order_days).split()) if order_days else (),
        int(float(str(review))) if review else 1,
        first if isinstance(first, date) else None,
        tuple(_leads(str(leads))) if leads else ((lead_days, 1.0),),
        int(float(str(life))) if life is not None else None,
    )


def covers(rhythm: Rhythm, order_day: date) -> list[Cover]:
    """For an order of that day the days it must last for, one for each time the next may take.

    From the earliest delivery to the day before the next order's: of a shorter life to its end. A
    life is counted from the earliest delivery.
    """
    first = order_day + timedelta(days=min(days for days, _ in rhythm.lead_days))
    following = rhythm.next_order_day(order_day)
    ends: dict[date, float] = {}
    for days, probability in rhythm.lead_days:
        last = max(following + timedelta(days=days - 1), first)
        if rhythm.life_days is not None:
            last = min(last, first + timedelta(days=rhythm.life_days - 1))
        ends[last] = ends.get(last, 0.0) + probability
    return [Cover(first, last, share) for last, share in sorted(ends.items())]


def life_of(rhythm: Rhythm, order_day: date) -> Life | None:
    """How long an order of that day can be sold, from its earliest delivery; None keeps."""
    if rhythm.life_days is None:
        return None
    leads = [days for days, _ in rhythm.lead_days]
    last = order_day + timedelta(days=min(leads) + rhythm.life_days - 1)
    next_delivery = rhythm.next_order_day(order_day) + timedelta(days=min(leads))
    return Life(last, last < next_delivery)


def order_lines(supply: pl.DataFrame, order_day: date, lead_days: int) -> pl.DataFrame:
    """unique_id, cover_from, cover_to, probability, life_days, life_to, is_one_cover (see Life) of
    the series whose order day it is; a row for each end a cover may have.

    `supply`: unique_id and DECIDING, one row a series.
    """
    kinds = supply.select(DECIDING).unique(maintain_order=True)
    rows = list(_lines_of(kinds.rows(named=True), order_day, lead_days))
    lines = pl.DataFrame(
        rows,
        schema={
            "kind": pl.UInt32,
            "cover_from": pl.Date,
            "cover_to": pl.Date,
            "probability": pl.Float64,
            "life_days": pl.Int64,
            "life_to": pl.Date,
            "is_one_cover": pl.Boolean,
        },
        orient="row",
    )
    numbered = kinds.with_row_index("kind")
    of_series = supply.select("unique_id", *DECIDING).join(
        numbered, on=list(DECIDING), how="inner", nulls_equal=True, maintain_order="left"
    )
    return (
        of_series.select("unique_id", "kind")
        .join(lines, on="kind", how="inner", maintain_order="left_right")
        .drop("kind")
    )


def _lines_of(
    kinds: Sequence[dict[str, object]], order_day: date, lead_days: int
) -> Iterator[tuple[object, ...]]:
    for number, kind in enumerate(kinds):
        rhythm = rhythm_of(kind, lead_days)
        if rhythm.is_order_day(order_day):
            life = life_of(rhythm, order_day)
            for cover in covers(rhythm, order_day):
                days = cover.first, cover.last, cover.probability
                ends = (life.last, life.is_one_cover) if life else (None, False)
                yield number, *days, rhythm.life_days, *ends


def _leads(text: str) -> Iterator[tuple[int, float]]:
    """Days to delivery and their probabilities, which sum to 1 whatever they were rounded to."""
    parts = [part.partition(":") for part in text.split()]
    weights = [float(probability or 1.0) for _, _, probability in parts]
    for (days, _, _), weight in zip(parts, weights, strict=True):
        yield int(days), weight / sum(weights)
