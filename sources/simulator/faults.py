"""The faults of a real feed, put into the daily files on purpose: late files, restated rows, broken
lines.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from contract.params import SimulatorParams
from sources.simulator.simulation import REPORTED_AT
from sources.simulator.world import DROP, FROZEN, LEVELS, generator

LATE_BY = timedelta(days=1, hours=1)  # a late file arrives an hour after its successor
BAD_KINDS = ("negative_y", "unknown_series", "unreadable_date", "duplicate_key")
FROZEN_DAYS = (3, 10)  # mornings a spell lasts, both included
NO_BAD_ROWS = pl.DataFrame(schema={"file": pl.String, "kind": pl.String, "unique_id": pl.String})


def arrivals_of(days: list[date], params: SimulatorParams) -> dict[date, datetime]:
    """When each daily file arrives; never two late ones in a row, and never the last one."""
    rng = generator(params.seed, DROP)
    count = min(round(params.late_share * len(days)), len(days) // 2)
    late = set(2 * rng.choice(len(days) // 2, count, replace=False)) if count else set()
    on_time = [datetime.combine(day, time()) + REPORTED_AT for day in days]
    return {day: on_time[k] + LATE_BY if k in late else on_time[k] for k, day in enumerate(days)}


def with_frozen_feeds(
    recent: pl.DataFrame, days: list[date], params: SimulatorParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the daily files, some stores' repeating the day before for some mornings; and the
    store_id, ds of those, about `frozen_share` of all.

    A series without a row on the day that is repeated keeps its own.
    """
    frozen = _frozen_days(recent["store_id"].unique().sort(), days, params)
    if frozen.is_empty():
        return recent, frozen.drop("sent")
    columns = ["y", "is_open", "stockout_share"]
    sent = recent.select("unique_id", pl.col("ds").alias("sent"), *columns)
    repeated = recent.join(frozen, on=["store_id", "ds"], how="left", maintain_order="left").join(
        sent, on=["unique_id", "sent"], how="left", suffix="_sent", maintain_order="left"
    )
    of_before = [pl.coalesce(f"{name}_sent", name).alias(name) for name in columns]
    return repeated.with_columns(of_before).select(recent.columns), frozen.drop("sent")


def _frozen_days(stores: pl.Series, days: list[date], params: SimulatorParams) -> pl.DataFrame:
    """store_id, ds, and the day whose rows are sent instead: never of the first day, which has none
    before it.
    """
    rng = generator(params.seed, FROZEN)
    shape = (len(stores), len(days))
    lasts = rng.integers(*FROZEN_DAYS, shape, endpoint=True)
    begins = rng.random(shape) < params.frozen_share / np.mean(FROZEN_DAYS)
    sent = np.tile(np.arange(len(days)), (len(stores), 1))
    for store, first in zip(*np.nonzero(begins), strict=True):
        if first:
            sent[store, first : first + lasts[store, first]] = sent[store, first - 1]
    store, day = np.nonzero(sent != np.arange(len(days)))
    calendar = pl.Series(days, dtype=pl.Date)
    return pl.DataFrame(
        {
            "store_id": stores.gather(store),
            "ds": calendar.gather(day),
            "sent": calendar.gather(sent[store, day]),
        }
    )


def reports_of(
    recent: pl.DataFrame, arrivals: dict[date, datetime], params: SimulatorParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with the day of the file they come in: some first with a wrong y, and two files later as
    corrected.

    Two files later, because that file arrives after the first report even where the first report
    was late.
    """
    rng = generator(params.seed, DROP, 1)
    wrong = (rng.random(recent.height) < params.restated_share) & recent["ds"].is_in(
        list(arrivals)[:-2]
    ).to_numpy()
    first_y = pl.when(pl.col("y") < 2).then(pl.col("y") + 2).otherwise((pl.col("y") * 0.8).floor())
    first = recent.with_columns(
        y=pl.when(pl.Series(wrong)).then(first_y).otherwise("y"), file_day=pl.col("ds")
    )
    corrected = recent.filter(wrong).with_columns(file_day=pl.col("ds") + timedelta(days=2))
    file = pl.format("sales_{}.csv", pl.col("file_day").dt.to_string("%Y-%m-%d"))
    restated = corrected.select("unique_id", "ds", first_y=first_y, y="y", file=file)
    arrival = pl.col("file_day").replace_strict(arrivals, return_dtype=pl.Datetime("us"))
    return pl.concat([first, corrected]).with_columns(known_at=arrival).sort(
        "file_day", "unique_id", "ds"
    ), restated


def with_bad_rows(
    report: pl.DataFrame, day: date, number: int, params: SimulatorParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The day's lines as text, with `bad_rows_share` broken ones among them; and which those are.

    A negative y or an unreadable date spoils a good line; an unknown series or a duplicate key is a
    line too many.
    """
    rng = generator(params.seed, DROP, 2 + number)
    fresh = np.flatnonzero((report["ds"] == day).to_numpy())
    count = min(round(params.bad_rows_share * report.height), len(fresh))
    at = np.sort(rng.choice(fresh, count, replace=False)) if count else np.array([], dtype=int)
    kinds = np.full(report.height, None, dtype=object)
    kinds[at] = [BAD_KINDS[(number * count + k) % len(BAD_KINDS)] for k in range(count)]
    lines = as_text(report.drop("file_day"))
    kind = pl.Series("kind", kinds.tolist(), dtype=pl.String)
    bad = lines.select(pl.lit(file_name(day)).alias("file"), kind, "unique_id").filter(
        pl.col("kind").is_not_null()
    )
    return pl.concat([_spoiled(lines, kind), _added(lines, kind)]), bad


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as a till writes them: ISO days and moments, whole units."""
    moment = pl.col("known_at").dt.to_string("iso:strict")
    return rows.with_columns(pl.col("ds").cast(pl.String), pl.col("y").cast(pl.Int64), moment)


def file_name(day: date) -> str:
    """The name of a day's file."""
    return f"sales_{day.isoformat()}.csv"


def _spoiled(lines: pl.DataFrame, kind: pl.Series) -> pl.DataFrame:
    return lines.with_columns(
        y=pl.when(kind == "negative_y").then(-pl.col("y") - 1).otherwise("y"),
        ds=pl.when(kind == "unreadable_date").then(pl.lit("31/02/20xx")).otherwise("ds"),
    )


def _added(lines: pl.DataFrame, kind: pl.Series) -> pl.DataFrame:
    """The lines too many: copies, and lines of a series that stands in no hierarchy."""
    copies = lines.filter(kind == "duplicate_key")
    strangers = lines.filter(kind == "unknown_series").with_columns(
        pl.lit(None, pl.String).alias(level) for level in LEVELS
    )
    named = pl.format("NO_SUCH_ITEM_{}", pl.int_range(1, pl.len() + 1))
    return pl.concat([copies, strangers.with_columns(unique_id=named)])
