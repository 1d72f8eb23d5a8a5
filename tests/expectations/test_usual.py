"""Days against their weekday: half a file and a wrong unit are refused whole, the doubtful noted,
honest days left in peace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.frames import CALENDAR
from contract.params import IngestParams
from expectations.judge import Judgement
from expectations.suite import PAST, Context
from expectations.usual import levels_compared

DAY = date(2024, 2, 29)
STORES, DEPARTMENTS, ITEMS = ("S1", "S2"), ("D1", "D2"), 40
SERIES = pl.DataFrame(
    [(f"{d}_{i:02d}_{s}", s, d) for s in STORES for d in DEPARTMENTS for i in range(ITEMS)],
    schema=["unique_id", "store_id", "dept_id"],
    orient="row",
)
LEVELS = ((), ("store_id",), ("dept_id",), ("store_id", "dept_id"))

Judged = Callable[..., Judgement]


def a_day(ds: date, seed: int = 0) -> pl.DataFrame:
    """Poisson(3) units of each of 160 series."""
    y = np.random.default_rng([seed, ds.toordinal()]).poisson(3.0, SERIES.height).astype(float)
    return SERIES.select("unique_id", ds=pl.lit(ds), y=pl.Series(y))


def context_of(ingest: IngestParams, days: list[pl.DataFrame], **more: object) -> Context:
    """What the store knows of these days, as storage counts it."""
    past = pl.concat(days).join(SERIES, on="unique_id").group_by("ds", "store_id", "dept_id")
    y = pl.col("y")
    counted = past.agg(
        rows=pl.len().cast(pl.Int64), selling=(y > 0).sum().cast(pl.Int64), volume=y.sum()
    )
    return Context(
        ingest, DAY + timedelta(days=1), past=counted, series=SERIES, levels=LEVELS, **more
    )


def thursdays(weeks: int) -> list[pl.DataFrame]:
    return [a_day(DAY - timedelta(weeks=k)) for k in range(1, weeks + 1)]


def codes(judgement: Judgement) -> set[str]:
    return set(judgement.refused["reason"])


def x1000(rows: pl.DataFrame, factor: float = 1000.0, department: str = "D2") -> pl.DataFrame:
    hit = pl.col("unique_id").str.starts_with(department)
    return rows.with_columns(y=pl.when(hit).then(pl.col("y") * factor).otherwise("y"))


def test_an_honest_day_is_taken_without_a_word(ingest: IngestParams, judged: Judged) -> None:
    judgement = judged(a_day(DAY), context_of(ingest, thursdays(8)))
    assert (judgement.reason, judgement.notes, judgement.accepted.height) == (None, (), 160)


@pytest.mark.parametrize("great", [False, True])
def test_half_a_file_is_refused_whole_and_says_what_is_missing(
    ingest: IngestParams, judged: Judged, great: bool
) -> None:
    judgement = judged(a_day(DAY).head(80), context_of(ingest, thursdays(8)), great)
    assert codes(judgement) == {"day_incomplete"}
    assert "rows_share 0.5" in judgement.reason
    assert "--accept-unusual" in judgement.reason
    # two stores' files of one day look like two halves
    assert "ingest.whole_days: false" in judgement.reason


def test_one_row_short_is_no_half_a_file_in_a_shop_of_three_items(
    ingest: IngestParams, judged: Judged
) -> None:
    past = context_of(ingest, [day.head(3) for day in thursdays(8)])
    assert judged(a_day(DAY).head(2), past).reason is None
    assert codes(judged(a_day(DAY).head(1), past)) == {"day_incomplete"}


@pytest.mark.parametrize("great", [False, True])
def test_a_department_in_another_unit_is_refused_with_its_whole_day(
    ingest: IngestParams, judged: Judged, great: bool
) -> None:
    """The other department looks right; taking it alone would make the wrong one's rows absent, and
    absent is zero.
    """
    judgement = judged(x1000(a_day(DAY)), context_of(ingest, thursdays(8)), great)
    assert codes(judgement) == {"units_of_another_size"}
    assert judgement.accepted.is_empty()
    assert "dept_id" in judgement.reason
    assert "D2" in judgement.reason


@pytest.mark.parametrize("factor", [0.001, 1 / 12, 12.0, 1000.0])
def test_cases_for_pieces_and_grams_for_kilograms_both_ways(
    ingest: IngestParams, judged: Judged, factor: float
) -> None:
    assert codes(judged(x1000(a_day(DAY), factor), context_of(ingest, thursdays(8)))) == {
        "units_of_another_size"
    }


def test_four_times_the_units_may_be_a_promotion_and_is_noted(
    ingest: IngestParams, judged: Judged
) -> None:
    judgement = judged(x1000(a_day(DAY), 4.0), context_of(ingest, thursdays(8)))
    assert judgement.reason is None
    assert [note.split(":")[0] for note in judgement.notes] == ["volume_unusual"]
    assert "D2" in judgement.notes[0]


def test_an_eighth_of_the_rows_missing_is_noted(ingest: IngestParams, judged: Judged) -> None:
    judgement = judged(a_day(DAY).head(140), context_of(ingest, thursdays(8)))
    assert judgement.reason is None
    assert [note.split(":")[0] for note in judgement.notes] == ["rows_unusual"]


@pytest.mark.parametrize(("rate", "notes"), [(0.9, []), (0.2, ["zeros_unusual"])])
def test_a_share_of_zeros_unlike_the_usual_is_noted_and_the_usual_one_is_not(
    ingest: IngestParams, judged: Judged, rate: float, notes: list[str]
) -> None:
    """Four rows of ten are zeros each Thursday; today as ever, or eight of ten."""

    def slow(ds: date, rate: float) -> pl.DataFrame:
        y = np.random.default_rng(ds.toordinal()).poisson(rate, SERIES.height).astype(float)
        return SERIES.select("unique_id", ds=pl.lit(ds), y=pl.Series(y))

    past = [slow(DAY - timedelta(weeks=k), 0.9) for k in range(1, 9)]
    found = judged(slow(DAY, rate), context_of(ingest, past)).notes
    assert [note.split(":")[0] for note in found if note.startswith("zeros")] == notes


def test_one_bad_day_of_a_long_file_goes_alone(ingest: IngestParams, judged: Judged) -> None:
    """Ten weeks in one file, nothing known before: the Thursday cut in half is refused, the other
    69 days are not.
    """
    days = [a_day(DAY - timedelta(days=k)) for k in range(70)]
    days[0] = days[0].head(70)
    judgement = judged(
        pl.concat(days), replace(context_of(ingest, days[:1]), past=pl.DataFrame(schema=PAST))
    )
    assert judgement.reason is None
    assert judgement.refused.height == 70
    assert judgement.accepted["ds"].n_unique() == 69


def test_who_knows_it_is_right_says_so_once(ingest: IngestParams, judged: Judged) -> None:
    noting = ingest.model_copy(update={"refuse_unusual": False})
    judgement = judged(a_day(DAY).head(80), context_of(noting, thursdays(8)))
    assert judgement.accepted.height == 80
    assert [note.split(":")[0] for note in judgement.notes] == ["day_incomplete", "rows_unusual"]


def test_two_weeks_are_nothing_to_compare_with(ingest: IngestParams, judged: Judged) -> None:
    assert judged(a_day(DAY).head(80), context_of(ingest, thursdays(2))).reason is None


def test_last_weeks_mistake_does_not_excuse_this_weeks(
    ingest: IngestParams, judged: Judged
) -> None:
    """Median and quartiles: one half file accepted by hand moves neither."""
    past = thursdays(8)
    past[0] = past[0].head(80)
    assert codes(judged(a_day(DAY).head(80), context_of(ingest, past))) == {"day_incomplete"}


def test_rows_that_come_and_go_by_nature_are_not_held_to_a_number(
    ingest: IngestParams, judged: Judged
) -> None:
    """A till that writes a row only for what it sold: between 60 and 160 rows a day; 70 is one of
    its days.
    """
    past = [day.head(60 + 14 * k) for k, day in enumerate(thursdays(8))]
    assert judged(a_day(DAY).head(70), context_of(ingest, past)).reason is None


def test_correcting_some_lines_is_judged_by_them_and_not_by_the_day(
    ingest: IngestParams, judged: Judged
) -> None:
    rest = a_day(DAY).tail(150)
    assert judged(a_day(DAY).head(10), context_of(ingest, [*thursdays(8), rest])).reason is None


def test_a_whole_day_sent_again_is_judged_by_the_rows_that_say_something_new(
    ingest: IngestParams, judged: Judged
) -> None:
    """Ten rows of 160 are other ones: a correction. All are: another unit."""
    day = a_day(DAY)
    hit = pl.int_range(pl.len()) % 16 == 0
    again = day.with_columns(y=pl.when(hit).then(pl.col("y") * 300).otherwise("y"))
    same = again.filter(~hit).select("unique_id", "ds")
    assert codes(judged(again, context_of(ingest, thursdays(8), repeated=same))) == set()
    assert codes(judged(again, context_of(ingest, thursdays(8)))) != set()


def test_a_whole_day_restated_in_another_unit_is_refused(
    ingest: IngestParams, judged: Judged
) -> None:
    """The store holds the day already; what it holds of the batch's keys is not counted twice."""
    assert codes(judged(x1000(a_day(DAY)), context_of(ingest, thursdays(8)))) == {
        "units_of_another_size"
    }


@pytest.mark.parametrize("region", ["*", "CA"])
def test_rows_absent_on_a_closed_day_are_rightly_absent(
    ingest: IngestParams, judged: Judged, region: str
) -> None:
    closed = pl.DataFrame({"region": [region], "ds": [DAY], "is_closed": [True]})
    calendar = CALENDAR.conform(closed.with_columns(known_at=None))
    judgement = judged(a_day(DAY).head(80), context_of(ingest, thursdays(8), calendar=calendar))
    assert judgement.reason is None


@pytest.mark.parametrize(("region", "found"), [("*", set()), ("CA", {"units_of_another_size"})])
def test_a_day_closed_everywhere_is_compared_with_nothing(
    ingest: IngestParams, judged: Judged, region: str, found: set[str]
) -> None:
    closed = pl.DataFrame({"region": [region], "ds": [DAY], "is_closed": [True]})
    calendar = CALENDAR.conform(closed.with_columns(known_at=None))
    context = context_of(ingest, thursdays(8), calendar=calendar)
    assert codes(judged(x1000(a_day(DAY)), context)) == found


def test_where_stores_send_files_of_their_own_each_is_compared_with_itself(
    ingest: IngestParams,
    judged: Judged,
) -> None:
    own = ingest.model_copy(update={"whole_days": False})
    levels = levels_compared(
        [(), ("store_id",), ("dept_id",), ("store_id", "dept_id")], SERIES, whole_days=False
    )
    assert levels == (("store_id",), ("store_id", "dept_id"))
    context = replace(context_of(own, thursdays(8)), levels=levels)
    of_s1 = a_day(DAY).join(SERIES.filter(store_id="S1"), on="unique_id", how="semi")
    assert judged(of_s1, context).reason is None
    half = judged(of_s1.head(40), context)
    assert codes(half) == {"day_incomplete"}
    assert "whole_days" not in half.reason
    zeros = of_s1.with_columns(y=pl.lit(0.0))
    assert codes(judged(zeros, context)) == {"day_all_zero"}
    assert codes(judged(zeros.with_columns(is_open=pl.lit(False)), context)) == set()
    one_shut = a_day(DAY).join(SERIES.filter(store_id="S2"), on="unique_id", how="semi")
    both = pl.concat(
        [zeros.with_columns(is_open=pl.lit(False)), one_shut.with_columns(is_open=pl.lit(True))]
    )
    assert codes(judged(both, context)) == set()


def test_small_groups_are_not_compared() -> None:
    assert levels_compared(
        [(), ("unique_id",), ("dept_id",), ("aisle",)], SERIES, whole_days=True
    ) == (
        (),
        ("dept_id",),
    )


def test_a_day_that_is_mostly_said_otherwise_is_noted_and_a_correction_of_a_few_rows_is_not(
    ingest, judged
):
    few, most = (
        pl.DataFrame(
            {"ds": [DAY], "restated_share": [share]},
            schema={"ds": pl.Date, "restated_share": pl.Float64},
        )
        for share in (0.01, 0.8)
    )
    noted = [
        judged(a_day(DAY), context_of(ingest, thursdays(8), restated=one)).notes
        for one in (few, most)
    ]
    assert noted[0] == ()
    assert [note.split(":")[0] for note in noted[1]] == ["day_restated"]


def test_half_of_the_rows_of_series_never_seen_are_noted_and_a_launch_is_not(ingest, judged):
    ids = SERIES["unique_id"]
    noted = [
        judged(a_day(DAY), context_of(ingest, thursdays(8), known_series=ids.head(known))).notes
        for known in (len(ids) - 3, len(ids) // 2, 0)
    ]
    assert [[note.split(":")[0] for note in notes] for notes in noted] == [
        [],
        ["series_unusual"],
        [],
    ]


def test_an_export_of_zeros_is_refused_whole_and_a_closed_or_festive_day_of_zeros_is_not(
    ingest, judged
):
    """A day of zeros once cost 65% of accuracy a week long (drill `all_zeros`)."""
    zeros = a_day(DAY).with_columns(y=pl.lit(0.0))
    judgement = judged(zeros, context_of(ingest, thursdays(8)))
    assert codes(judgement) == {"day_all_zero"}
    assert "in the calendar" in judgement.reason
    few = zeros.with_columns(y=pl.when(pl.int_range(pl.len()) < 4).then(1.0).otherwise("y"))
    assert codes(judged(few, context_of(ingest, thursdays(8)))) == {"day_all_zero"}
    half_shut = zeros.with_columns(is_open=pl.int_range(pl.len()) % 2 == 0)
    assert codes(judged(half_shut, context_of(ingest, thursdays(8)))) == {"day_all_zero"}
    shut = zeros.with_columns(is_open=pl.lit(False))
    assert codes(judged(shut, context_of(ingest, thursdays(8)))) == set()
    feast = CALENDAR.conform(
        pl.DataFrame({"ds": [DAY], "region": ["*"], "known_at": [None], "event": ["feast"]})
    )
    assert codes(judged(zeros, context_of(ingest, thursdays(8), calendar=feast))) == set()


def test_a_day_whose_items_were_mixed_up_is_refused_and_a_correction_of_some_rows_is_not(
    ingest: IngestParams,
    judged: Judged,
) -> None:
    """Every total of such a day is right; a file of it cost 16% of accuracy in a week (drill
    `scrambled_units`).
    """
    ids = [f"I{k:03d}" for k in range(300)]
    rate = pl.Series("y", [float(k % 30) for k in range(300)])
    past = pl.DataFrame({"unique_id": ids, "units": rate * 8}).with_columns(
        weekday=pl.lit(DAY.isoweekday(), pl.Int8), weeks=pl.lit(8, pl.Int64)
    )
    day = pl.DataFrame({"unique_id": ids, "y": rate}).with_columns(ds=pl.lit(DAY))
    mixed = day.with_columns(pl.col("y").shuffle(seed=1))
    context = Context(ingest, DAY + timedelta(days=1), usual_units=past)
    assert codes(judged(day, context)) == set()
    assert codes(judged(mixed, context)) == {"items_mixed_up"}
    assert codes(judged(mixed.head(100), context)) == set()
    loose = replace(context, ingest=ingest.model_copy(update={"refuse_unusual": False}))
    assert [note.split(":")[0] for note in judged(mixed, loose).notes] == ["items_mixed_up"]


def test_a_file_of_new_series_alone_is_refused_unless_they_are_said_to_be_new(
    ingest: IngestParams,
    judged: Judged,
) -> None:
    """A daily file whose ids pandas made floats: not one of them is known."""
    known = SERIES["unique_id"]
    context = context_of(ingest, thursdays(8), known_series=known)
    renamed = a_day(DAY).with_columns(pl.col("unique_id") + ".0")
    assert "series_all_new" in codes(judged(renamed, context))
    half = pl.concat([a_day(DAY), renamed.head(80)])
    assert "series_all_new" not in codes(judged(half, context))
    assert "series_all_new" not in codes(judged(renamed.head(4), context))
    allowed = replace(context, ingest=ingest.model_copy(update={"refuse_all_new": False}))
    assert "series_all_new" not in codes(judged(renamed, allowed))


def test_a_day_of_four_days_rows_is_refused(ingest: IngestParams, judged: Judged) -> None:
    past = context_of(ingest, [day.head(40) for day in thursdays(8)])
    assert codes(judged(a_day(DAY), past)) == {"day_overfull"}
    assert codes(judged(a_day(DAY).head(110), past)) == set()


def test_a_group_that_is_flooded_is_refused_and_a_feast_is_not(
    ingest: IngestParams, judged: Judged
) -> None:
    """Each row seems to be one: the units come in more rows, so that no size gives them away."""
    past = context_of(ingest, thursdays(8))
    flooded = a_day(DAY).with_columns(y=pl.col("y") * 7.5)
    assert judged(flooded, past).reason is None
    loose = ingest.model_copy(update={"max_size_jump": 1e9})
    drowned = a_day(DAY).with_columns(y=pl.col("y") * 20)
    assert codes(judged(drowned, context_of(loose, thursdays(8)))) == {"day_flooded"}
