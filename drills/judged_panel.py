"""A broken panel as the rules of ingest let it in: what arrived is judged as a file would be, and
only what they accept is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from contract.frames import REFUSED
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.params import IngestParams
from contract.received import Received
from expectations.judge import Judgement, judge
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import WEEKS_COMPARED, counted, levels_compared


@dataclass(frozen=True)
class JudgedPanel:
    """What the rules let in of a broken panel, rows refused by reason, and what was noted."""

    panel: Panel
    refused: dict[str, int]
    noted: list[str]


def judge_sales(
    panel: Panel, days: int, levels: list[Level], ingest: IngestParams, before: Panel | None = None
) -> JudgedPanel:
    """The last days of sales as daily files, each judged against the days taken before it;
    `before`: as these days were known.
    """
    first = panel.last_day - timedelta(days=days - 1)
    taken = replace(panel, sales=panel.sales.filter(pl.col("ds") < first))
    refused: Counter[str] = Counter()
    noted: set[str] = set()
    for day in (first + timedelta(days=k) for k in range(days)):
        judgement = judged_day(taken, panel.sales.filter(ds=day), day, levels, ingest, before)
        accepted = judgement.accepted.select(panel.sales.columns)
        taken = replace(taken, sales=pl.concat([taken.sales, accepted]))
        refused.update(judgement.refused["reason"])
        noted |= {note.partition(":")[0] for note in judgement.notes}
    panel = replace(taken, sales=taken.sales.sort("unique_id", "ds"))
    return JudgedPanel(panel, dict(refused), sorted(noted))


def judge_prices(known: Panel, broken: Panel, ingest: IngestParams) -> JudgedPanel:
    """The prices that changed as one file; one refused leaves the price known before."""
    key = ["unique_id", "from_ds"]
    changed = broken.prices.join(known.prices, on=[*key, "price"], how="anti", nulls_equal=True)
    context = Context(
        ingest, known.last_day + timedelta(days=1), series=known.series, prices=known.prices
    )
    judgement = judge(
        _file_of("prices", changed), SUITES["prices"], context, by_great_expectations=False
    )
    accepted = judgement.accepted.select(broken.prices.columns)
    unchanged = known.prices.join(accepted, on=key, how="anti")
    prices = pl.concat([unchanged, accepted]).sort(key)
    refused = dict(Counter(judgement.refused["reason"]))
    noted = sorted({note.partition(":")[0] for note in judgement.notes})
    return JudgedPanel(replace(broken, prices=prices), refused, noted)


def judged_day(
    known: Panel,
    sales: pl.DataFrame,
    day: date,
    levels: list[Level],
    ingest: IngestParams,
    before: Panel | None = None,
) -> Judgement:
    """A day's rows as the rules see them on the morning after, this panel being known."""
    sets = [level.columns for level in levels if level.name != SERIES_LEVEL]
    compared = levels_compared(sets, known.series, ingest.whole_days)
    days_before = (pl.lit(day) - pl.col("ds")).dt.total_days()
    weeks = known.sales.filter(days_before.is_between(1, 7 * WEEKS_COMPARED), days_before % 7 == 0)
    context = Context(
        ingest,
        day + timedelta(days=1),
        series=known.series,
        levels=compared,
        calendar=known.calendar.filter(ds=day),
    )
    recent = known.sales.filter(days_before.is_between(1, 7 * WEEKS_COMPARED), pl.col("y") > 0)
    past = counted(weeks, known.series, context.columns)
    context = replace(
        context,
        past=past,
        usual_units=usual_units_of(weeks),
        recent_sales=recent.select("unique_id", "ds", "y"),
        known_series=known.sales["unique_id"].unique(),
    )
    if before is not None:
        context = replace(context, restated=_restated(before.sales.filter(ds=day), sales))
    return judge(_file_of("sales", sales), SUITES["sales"], context, by_great_expectations=False)


def usual_units_of(weeks: pl.DataFrame) -> pl.DataFrame:
    """By series and weekday: units and weeks with a row, as storage.recent counts them."""
    by = ["unique_id", pl.col("ds").dt.weekday().alias("weekday")]
    return weeks.group_by(by).agg(units=pl.col("y").sum(), weeks=pl.col("y").count().cast(pl.Int64))


def _restated(before: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    """ds, restated_share: of the rows known before, as storage.recent counts them."""
    both = before.join(sales.select("unique_id", "ds", now="y"), on=["unique_id", "ds"], how="left")
    return both.group_by("ds").agg(
        restated_share=(pl.col("y") != pl.col("now")).fill_null(False).mean()
    )


def _file_of(fact: str, rows: pl.DataFrame) -> Received:
    numbered = rows.with_row_index("row_number", offset=1).with_columns(
        pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    return Received(fact, numbered, REFUSED.empty(), numbered.height)
