"""How far days may reach, and how much a day may bring: no row makes a panel longer, no file floods
a group, and first loads pass.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from contract.frames import FACTS, REFUSED
from contract.params import IngestParams
from contract.received import Received
from expectations.far_days import FEWEST_DAYS, days_apart
from expectations.judge import Judgement, judge
from expectations.suite import Context
from expectations.suites import SUITES

TODAY = date(2024, 3, 1)
DAY = date(2024, 2, 29)
KNOWN = pl.Series([f"k{number}" for number in range(40)])

Judged = Callable[..., Judgement]


def taken(fact: str, ingest: IngestParams, **columns: list[object]) -> list[str]:
    """Why rows of these columns are refused, in their order."""
    rows = FACTS[fact].conform(pl.DataFrame(columns).with_columns(known_at=pl.lit(None)))
    rows = rows.with_row_index("row_number", 1).with_columns(
        pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    received = Received(fact, rows, REFUSED.empty(), rows.height)
    judgement = judge(received, SUITES[fact], Context(ingest, TODAY), by_great_expectations=False)
    return judgement.refused.sort("row_number")["reason"].to_list()


@pytest.fixture
def lenient(ingest: IngestParams) -> IngestParams:
    return ingest.model_copy(update={"max_refused_share": 1.0})


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (0, None),
        (1000, None),
        (1101, "day_too_far"),
        (64_000, "day_too_far"),
        (-9000, "day_too_old"),
    ],
)
def test_a_calendar_and_a_plan_have_bounds(
    lenient: IngestParams, days: int, code: str | None
) -> None:
    ds = [TODAY + timedelta(days=days)]
    expected = [code] if code else []
    assert taken("calendar", lenient, region=["*"], ds=ds) == expected
    assert taken("covariates", lenient, unique_id=["a"], ds=ds, name=["x"], value=[1.0]) == expected


def test_a_price_begins_within_bounds_and_may_have_no_end(lenient: IngestParams) -> None:
    def prices(first: date, last: date) -> list[str]:
        one = {"unique_id": ["a"], "price": [1.0], "from_ds": [first], "to_ds": [last]}
        return taken("prices", lenient, **one)

    assert prices(DAY, date(2099, 12, 31)) == []
    assert prices(date(2099, 1, 1), date(2099, 12, 31)) == ["day_too_far"]


def apart(days: list[date], ingest: IngestParams, first_known: date | None = None) -> list[date]:
    rows = pl.DataFrame({"ds": days}, schema={"ds": pl.Date})
    context = Context(ingest, TODAY, first_known=first_known)
    return days_apart(rows, context).sort("ds")["ds"].to_list()


def run(first: date, days: int) -> list[date]:
    return [first + timedelta(days=k) for k in range(days)]


def test_a_few_days_of_years_before_lie_apart(ingest: IngestParams) -> None:
    stray, year = date(2000, 1, 1), run(date(2023, 1, 1), 400)
    assert apart([stray, *year], ingest) == [stray]
    assert apart([stray, *[DAY] * 30], ingest) == [stray]
    assert apart([stray], ingest, first_known=DAY) == [stray]
    assert apart([stray, date(2010, 1, 1), *year], ingest) == [stray, date(2010, 1, 1)]


def test_years_that_follow_a_pause_are_a_history(ingest: IngestParams) -> None:
    early, year = run(date(2018, 1, 1), FEWEST_DAYS), run(date(2023, 1, 1), 400)
    assert apart([*early, *year], ingest) == []
    assert apart([*early[1:], *year], ingest) == early[1:]
    assert apart([DAY], ingest, first_known=date(2018, 1, 1)) == []
    assert apart([date(2018, 1, 3)], ingest, first_known=date(2018, 1, 1)) == []
    assert apart([], ingest) == []


def test_the_gap_is_that_of_the_setting(ingest: IngestParams) -> None:
    gap = timedelta(days=ingest.most_gap_days)
    assert apart([DAY - gap], ingest, first_known=DAY) == []
    assert apart([DAY - gap - timedelta(days=1)], ingest, first_known=DAY) != []


def test_a_wrong_day_makes_no_right_one_lie_apart(ingest: IngestParams) -> None:
    """Beside a row of next year, or one typed as today, an old file is still whole."""
    old = [date(2022, 2, 1)] * 30
    assert apart([*old, TODAY + timedelta(days=400)], ingest) == []
    assert apart([*old, TODAY], ingest) == []


def test_the_row_that_lies_apart_is_refused_and_no_other(ingest: IngestParams) -> None:
    days = [date(2000, 1, 1), *run(date(2024, 1, 1), 40)]
    found = taken("sales", ingest, unique_id=["a"] * 41, ds=days, y=[1.0] * 41)
    assert found == ["day_far_apart"]
    days = [date(2000, 1, 1), date(2000, 1, 2), *run(date(2024, 1, 1), 40)]
    found = taken("sales", ingest, unique_id=["a"] * 42, ds=days, y=[1.0] * 42)
    assert found == ["day_far_apart"] * 2


@pytest.mark.parametrize(("new", "code"), [(40, None), (41, "series_mostly_new")])
def test_more_new_series_than_known_ones_are_another_shop_s(
    ingest: IngestParams, judged: Judged, new: int, code: str | None
) -> None:
    names = [*KNOWN, *(f"n{number}" for number in range(new))]
    rows = pl.DataFrame({"unique_id": names, "ds": [DAY] * len(names), "y": [1.0] * len(names)})
    judgement = judged(rows, Context(ingest, TODAY, known_series=KNOWN))
    assert set(judgement.refused["reason"]) == ({code} if code else set())
    twice = pl.concat([rows, rows.with_columns(ds=pl.lit(DAY - timedelta(days=1)))])
    judgement = judged(twice, Context(ingest, TODAY, known_series=KNOWN))
    assert set(judgement.refused["reason"]) == ({code} if code else set())
    assert judged(rows, Context(ingest, TODAY, known_series=KNOWN.head(5))).reason is None
    noting = ingest.model_copy(update={"refuse_all_new": False})
    assert judged(rows, Context(noting, TODAY, known_series=KNOWN)).reason is None
