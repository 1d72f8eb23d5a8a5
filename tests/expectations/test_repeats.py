"""A day that is another day's: refused where nearly all of a feed repeats, noted where a part does,
left in peace where repeating is its nature.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.params import IngestParams
from expectations.judge import Judgement
from expectations.likeness import agreeing, likest
from expectations.repeats import with_repeats
from expectations.suite import Context

DAY = date(2024, 2, 29)
STORES, DEPARTMENTS, ITEMS = ("S1", "S2", "S3", "S4", "S5", "S6"), ("D1", "D2"), 40
SERIES = pl.DataFrame(
    [(f"{d}_{i:02d}_{s}", s, d) for s in STORES for d in DEPARTMENTS for i in range(ITEMS)],
    schema=["unique_id", "store_id", "dept_id"],
    orient="row",
)
LEVELS = ((), ("store_id",), ("dept_id",), ("store_id", "dept_id"))


def a_day(ds: date, rate: float = 2.0) -> pl.DataFrame:
    y = np.random.default_rng(ds.toordinal()).poisson(rate, SERIES.height).astype(float)
    return SERIES.select("unique_id", ds=pl.lit(ds), y=pl.Series(y))


def before(days: int = 40, first: int = 1) -> list[pl.DataFrame]:
    """The days before DAY, the newest first."""
    return [a_day(DAY - timedelta(days=k)) for k in range(first, days + 1)]


def like(day: pl.DataFrame, hit: pl.Expr | None = None, rest: pl.DataFrame | None = None):
    """An earlier day under DAY's date; only its rows that are hit, the others as sold."""
    copy = day.with_columns(ds=pl.lit(DAY))
    return copy if hit is None else pl.concat([copy.filter(hit), (a_day(DAY)).filter(~hit)])


def of(text: str) -> pl.Expr:
    return pl.col("unique_id").str.contains(text)


def context_of(ingest: IngestParams, past: list[pl.DataFrame], **more: object) -> Context:
    recent = pl.concat(past).filter(pl.col("y") > 0)
    today = DAY + timedelta(days=1)
    return Context(ingest, today, recent_sales=recent, series=SERIES, levels=LEVELS, **more)


def codes(judgement: Judgement) -> set[str]:
    return set(judgement.refused["reason"])


def noted(judgement: Judgement) -> list[str]:
    return [note.split(":")[0] for note in judgement.notes]


def test_the_day_most_like_another_is_found_by_hand():
    """Day 3 repeats day 0 but for one of the three rows that sold; day 2 is like none."""
    y = np.array([[1.0, 2, 3, 1], [4.0, 0, 5, 4], [0.0, 0, 0, 0], [0.0, 7, 8, 9]])
    agree, sold = agreeing(y, np.array([0]))
    assert (agree[2, 0, 3], sold[2, 0, 3]) == (2, 3)
    shares = likest(agree, sold)[0]
    assert shares[2:].tolist() == [0.0, pytest.approx(2 / 3)]
    assert np.isnan(shares[0])


def test_likeness_is_what_a_naive_loop_counts():
    y = np.random.default_rng(3).poisson(0.7, (30, 20)).astype(float)
    found = likest(*agreeing(y, np.array([0, 12])))
    for group, rows in enumerate((y[:12], y[12:])):
        for day in range(1, 20):
            shares = []
            for other in range(max(day - 14, 0), day):
                sold = [(a, b) for a, b in rows[:, [day, other]] if a or b]
                shares.append(sum(a == b for a, b in sold) / len(sold))
            assert found[group, day] == pytest.approx(max(shares))


def test_series_that_shut_on_different_days_count_where_their_day_is():
    """Two series of three and four columns over the same four days: each pair of columns counts on
    the later one's day.
    """
    y = np.array([[0.0, 2, 2, 5], [3.0, 3, 4, 4]])
    days = np.array([[-1, 0, 1, 3], [0, 1, 2, 3]])  # the first was shut on the third day
    agree, sold = agreeing(y, np.array([0]), days)
    assert agree[0, 0].tolist() == [0, 2, 0, 1]
    assert sold[0, 0].tolist() == [1, 2, 1, 2]
    assert agree[1, 0].tolist() == [0, 0, 0, 0]
    apart, _ = agreeing(y, np.array([0, 1]), days)
    assert apart.sum(axis=1).tolist() == agree[:, 0].tolist()


@pytest.mark.parametrize("days", [1, 3, 70])
@pytest.mark.parametrize("seed", [0, 1])
def test_levels_counted_by_themselves_say_what_they_say_crossed(ingest, monkeypatch, days, seed):
    """Stores shut on different days, one frozen on the last. Crossed groups are what is cheap for
    few of them; of items in many stores there are as many as series.
    """
    draw = np.random.default_rng(seed)
    items = SERIES.with_columns(item_id=pl.col("unique_id").str.slice(0, 5))
    sold = pl.concat(a_day(DAY - timedelta(days=k)) for k in range(1, days + 45))
    shut = sold.select("ds").unique().join(items.select("store_id").unique(), how="cross")
    shut = shut.filter(pl.Series(draw.random(shut.height) < 0.15))
    placed = sold.join(items.select("unique_id", "store_id"), on="unique_id")
    sold = placed.join(shut, on=["ds", "store_id"], how="anti").drop("store_id")
    newest = sold.filter(of("S3"))["ds"].max()
    batch = pl.concat(
        [sold.filter(pl.col("ds") > DAY - timedelta(days=days)), a_day(DAY).filter(~of("S3"))]
    )
    frozen = sold.filter(of("S3"), ds=newest).with_columns(ds=pl.lit(DAY))
    rows = pl.concat([batch, frozen]).with_columns(copy=pl.lit(0))
    context = replace(
        context_of(ingest, [sold.filter(pl.col("ds") <= DAY - timedelta(days=days))]),
        series=items,
        levels=(*LEVELS, ("item_id",)),
    )
    monkeypatch.setattr("expectations.repeats._MOST_CROSSED", 10_000)
    crossed = with_repeats(rows, context)
    monkeypatch.setattr("expectations.repeats._MOST_CROSSED", 0)
    assert_frame_equal(with_repeats(rows, context), crossed)
    found = crossed.filter(of("S3"), ds=DAY)
    assert found["copied_share"].unique().to_list() == [1.0]
    assert found["copied_share_in"].unique().to_list() == [f"store_id S3, as on {newest}"]


def test_honest_days_are_taken_without_a_word(ingest, judged):
    judgement = judged(a_day(DAY), context_of(ingest, before()))
    assert (judgement.reason, noted(judgement), judgement.accepted.height) == (None, [], 480)


@pytest.mark.parametrize("great", [False, True])
@pytest.mark.parametrize("back", [1, 7, 12])
def test_yesterday_last_week_or_any_older_day_under_todays_date_is_refused_whole(
    ingest, judged, great, back
):
    past = before()
    judgement = judged(like(past[back - 1]), context_of(ingest, past), great)
    assert codes(judgement) == {"day_copied"}
    assert judgement.accepted.is_empty()
    assert str(DAY - timedelta(days=back)) in judgement.reason
    assert "--accept-unusual" in judgement.reason


def test_one_frozen_store_goes_alone_and_the_others_are_taken(ingest, judged):
    past = before()
    judgement = judged(like(past[0], of("S3")), context_of(ingest, past))
    assert judgement.reason is None
    assert codes(judgement) == {"day_copied"}
    assert judgement.refused.height == 80
    assert not judgement.accepted["unique_id"].str.contains("S3").any()


@pytest.mark.parametrize(("hit", "rows"), [("_.[02468]_", 480), ("D2", 480), ("D2_.._S4", 40)])
def test_half_of_the_rows_or_a_department_is_kept_and_noted(ingest, judged, hit, rows):
    """Noted are the rows of the groups that stand still; the whole day is one of them."""
    past = before()
    judgement = judged(like(past[0], of(hit)), context_of(ingest, past))
    assert judgement.refused.is_empty()
    assert noted(judgement) == ["rows_repeated"]
    assert f"{rows} rows" in judgement.notes[0]
    assert ("D2" in judgement.notes[0]) == hit.startswith("D2")


def test_a_feed_refused_for_weeks_is_compared_with_its_own_last_days(ingest, judged):
    """Frozen for twenty days, each refused: of S3 nothing is known of them, of the others all."""
    past = [day if k > 20 else day.filter(~of("S3")) for k, day in enumerate(before(56), start=1)]
    frozen = a_day(DAY - timedelta(days=21))
    judgement = judged(like(frozen, of("S3")), context_of(ingest, past))
    assert set(judgement.refused["raw"].str.contains("S3")) == {True}
    assert judgement.refused.height == 80


def test_a_store_that_sells_the_same_every_day_is_left_in_peace(ingest, judged):
    same = a_day(DAY - timedelta(days=1))
    past = [
        pl.concat([day.filter(~of("S1")), same.filter(of("S1")).with_columns(ds=day["ds"][0])])
        for day in before()
    ]
    judgement = judged(like(same, of("S1")), context_of(ingest, past))
    assert (codes(judgement), noted(judgement)) == (set(), [])


def test_slow_movers_repeat_zeros_and_are_left_in_peace(ingest, judged):
    past = [a_day(DAY - timedelta(days=k), 0.1) for k in range(1, 41)]
    judgement = judged(a_day(DAY, 0.1), context_of(ingest, past))
    assert (codes(judgement), noted(judgement)) == (set(), [])
    assert codes(judged(like(past[0]), context_of(ingest, past))) == {"day_copied"}


def test_a_large_store_among_kiosks_is_a_feed_and_the_kiosks_together_another(ingest, judged):
    """Of 480 series 80 are a store's and 400 a kiosk's each: judged on the average store, none of
    them were a feed of its own.
    """
    is_large = of("S3")
    kiosk = pl.when(is_large).then("store_id").otherwise("unique_id")
    past = before()
    context = replace(
        context_of(ingest, past),
        series=SERIES.with_columns(kiosk.alias("store_id")),
        levels=((), ("dept_id",)),
    )
    assert judged(a_day(DAY), context).refused.is_empty()
    alone = judged(like(past[0], is_large), context)
    assert (alone.refused.height, alone.reason) == (80, None)
    assert alone.refused["raw"].str.contains("S3").all()
    others = replace(context, ingest=ingest.model_copy(update={"max_refused_share": 1.0}))
    judgement = judged(like(past[0], ~is_large), others)
    assert judgement.refused.height == 400
    assert judgement.accepted["unique_id"].str.contains("S3").all()


def test_a_shop_of_three_items_is_not_judged_on_a_day(ingest, judged):
    few = pl.col("unique_id").is_in(SERIES["unique_id"].head(3).implode())
    past = [day.filter(few) for day in before()]
    context = replace(context_of(ingest, past), series=SERIES.filter(few))
    assert codes(judged(like(past[0]), context)) == set()


def test_too_short_a_past_is_nothing_to_compare_with(ingest, judged):
    past = before(5)
    assert codes(judged(like(past[0]), context_of(ingest, past))) == set()


def test_a_correction_of_a_few_rows_is_not_judged_as_the_day(ingest, judged):
    past, ids = before(), SERIES["unique_id"].head(60)
    rest = a_day(DAY).filter(~pl.col("unique_id").is_in(ids.implode()))
    few = like(past[0]).filter(pl.col("unique_id").is_in(ids.implode()))
    assert codes(judged(few, context_of(ingest, [rest, *past]))) == set()


def test_a_week_in_one_file_is_judged_day_by_day(ingest, judged):
    """The feed froze on the third day of the file: the days after it go, it stays."""
    days = [a_day(DAY - timedelta(days=k)) for k in range(6, -1, -1)]
    days[3:] = [days[2].with_columns(ds=day["ds"]) for day in days[3:]]
    loose = ingest.model_copy(update={"max_refused_share": 1.0})
    judgement = judged(pl.concat(days), context_of(loose, before(48, 7)))
    assert codes(judgement) == {"day_copied"}
    assert judgement.accepted["ds"].n_unique() == 3


def test_who_knows_that_it_is_right_says_so_once(ingest, judged):
    past, noting = before(), ingest.model_copy(update={"refuse_unusual": False})
    judgement = judged(like(past[0]), context_of(noting, past))
    assert judgement.refused.is_empty()
    assert noted(judgement) == ["day_copied", "rows_repeated"]


def test_days_of_years_in_one_file_are_compared_across_the_pieces_they_are_read_in(ingest, judged):
    days = [a_day(DAY - timedelta(days=k)) for k in range(200, -1, -1)]
    days[60] = days[58].with_columns(ds=days[60]["ds"])
    days[130] = days[129].with_columns(ds=days[130]["ds"])
    judgement = judged(pl.concat(days), Context(ingest, DAY + timedelta(days=1), series=SERIES))
    assert codes(judgement) == {"day_copied"}
    refused = judgement.refused.height
    assert refused == 2 * SERIES.height


def test_a_default_value_in_every_row_is_refused_from_its_second_day(ingest, judged):
    """A constant has no earlier day the first time; then it is its own copy."""
    fives = a_day(DAY).with_columns(y=pl.lit(5.0))
    past = [fives.with_columns(ds=pl.lit(DAY - timedelta(days=1))), *before(40, 2)]
    assert "day_copied" in codes(judged(fives, context_of(ingest, past)))


def test_zeros_alone_say_nothing_here(ingest, judged):
    zeros = a_day(DAY).with_columns(y=pl.lit(0.0))
    past = [zeros.with_columns(ds=pl.lit(DAY - timedelta(days=1))), *before(40, 2)]
    assert "day_copied" not in codes(judged(zeros, context_of(ingest, past)))


def test_a_source_without_stores_is_judged_as_one_feed(ingest, judged):
    past, alone = before(), SERIES.select("unique_id")
    context = replace(context_of(ingest, past), series=alone, levels=((),))
    assert codes(judged(like(past[0]), context)) == {"day_copied"}
    assert codes(judged(a_day(DAY), context)) == set()


def test_a_day_after_weeks_without_any_file_is_compared_with_the_last_known_ones(ingest, judged):
    past = before(56, 22)
    assert codes(judged(like(past[0]), context_of(ingest, past))) == {"day_copied"}


def test_rows_of_days_and_series_that_are_none_do_not_disturb_the_others(ingest, judged):
    past = before()
    odd = pl.DataFrame(
        {"unique_id": [None, "x", "D1_00_S1"], "ds": [DAY, None, date(1970, 1, 1)], "y": [1.0] * 3}
    )
    rows = pl.concat([a_day(DAY), odd], how="vertical_relaxed")
    judgement = judged(rows, context_of(ingest, past))
    assert codes(judgement) == {"series_missing", "day_missing", "day_too_old"}
    assert judgement.accepted.height == 480
