"""Coverage of the 95% interval when the spread of demand changes: as learned beside stretched by what came true, week after week.

The tables are those of a replay. From a day on what sold is moved away from the table's mean by a factor (1: nothing happens),
cut at zero and rounded to whole units. The champion is not refitted and its calibration not learned anew meanwhile; looks are weekly
(the door's are daily), each at the tables of the five weeks before made under the interval_scale that holds.

run     python -m benchmarks.recalibration sim:11:lightgbm sim:21:lightgbm      (walked before: benchmarks.replay)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import keep
from benchmarks.replay import World, walk, world_of
from contract.quantiles import INTERVALS, QUANTILES
from forecasting.actuals import with_actuals
from forecasting.recalibration import CLASSES, IntervalScale, learned_interval_scale
from forecasting.slices import FAST_UNITS, SLOW_UNITS
from monitoring.cusum import QUARTER_DAYS
from reports.tables import text_table

SPREADS = (1.0, 1.5, 2.0, 0.67)  # times the spread there was
STARTS = 3  # days on which the drift enters, evenly over what is watched
WEEKS = 16  # followed from then on
WEEKS_SEEN = 5  # of tables that a look reads, as monitor.py
LOW, HIGH = INTERVALS[0.95]


def main() -> None:
    """Every world, spread and start; coverage by weeks since, and how often a interval_scale was decided."""
    worlds = [world_of(name) for name in sys.argv[1:]]
    told = {}
    for spread in SPREADS:
        parts = [part for world in worlds for part in _followed(world, spread)]
        told[f"{spread:g}"] = _summed(pl.concat([rows for rows, _ in parts]), [count for _, count in parts])
    print(text_table(["spread", "weeks since", "class", "as learned", "stretched", "width"], _lines(told)))
    print({spread: one["decisions_per_quarter"] for spread, one in told.items()})
    keep(
        "recalibration",
        {"worlds": sys.argv[1:], "starts": STARTS, "weeks": WEEKS, "band": _band(worlds[0]), "told": told},
    )


def _followed(world: World, spread: float) -> Iterator[tuple[pl.DataFrame, int]]:
    """Of each start: the outcomes of every table since, as learned and stretched; and how many decisions were made."""
    walk(world)
    told = with_actuals(world.tables, world.panel, *world.known_by).filter(pl.col("reason").is_null())
    days = (world.panel.last_day - world.first_watched).days - 7 * WEEKS
    for k in range(STARTS):
        start = world.first_watched + timedelta(days=days * k // max(STARTS - 1, 1))
        yield _one_start(_spread(told, start, spread), start, _band(world))


def _spread(told: pl.DataFrame, start: date, factor: float) -> pl.DataFrame:
    moved = (pl.col("y_hat") + factor * (pl.col("y") - pl.col("y_hat"))).clip(0).round()
    return told.with_columns(
        y=pl.when(pl.col("ds") >= start).then(moved if factor != 1 else pl.col("y")).otherwise("y")
    )


def _one_start(told: pl.DataFrame, start: date, band: float) -> tuple[pl.DataFrame, int]:
    origins = [day for day in told["origin"].unique().sort() if start <= day < start + timedelta(weeks=WEEKS)]
    interval_scale, since, count, tables = IntervalScale(), date.min, 0, []
    made: dict[date, IntervalScale] = {}
    for origin in origins:
        first = max(since, origin - timedelta(weeks=WEEKS_SEEN))
        seen = told.filter(pl.col("origin") >= first, pl.col("origin") < origin, pl.col("ds") <= origin)
        learned = learned_interval_scale(_stretched(seen, interval_scale), interval_scale, band)
        if learned:
            interval_scale, since, count = learned[0], origin, count + 1
        made[origin] = interval_scale
        table = told.filter(origin=origin)
        stretched = _stretched(table, interval_scale)
        tables.append(
            table.select(
                "origin",
                of=pl.Series(np.array(CLASSES)[np.digitize(table["y_hat"].to_numpy(), (SLOW_UNITS, FAST_UNITS))]),
                weeks_since=pl.lit((origin - start).days // 7 + 1),
                learned=pl.col("y").is_between(LOW, HIGH),
                stretched=stretched["y"].is_between(stretched[LOW], stretched[HIGH]),
                width=pl.col(HIGH) - pl.col(LOW),
                width_stretched=stretched[HIGH] - stretched[LOW],
            )
        )
    return pl.concat(tables), count


def _stretched(rows: pl.DataFrame, interval_scale: IntervalScale) -> pl.DataFrame:
    """The rows with their quantiles under a interval_scale."""
    made = interval_scale.applied(rows.select(list(QUANTILES)).to_numpy(), rows["y_hat"].to_numpy())
    return rows.with_columns(pl.Series(name, made[:, k]) for k, name in enumerate(QUANTILES))


def _summed(rows: pl.DataFrame, counts: list[int]) -> dict[str, Any]:
    """Coverage by weeks since the drift and class, both ways, the intervals' width beside; decisions a quarter."""
    span = pl.when(pl.col("weeks_since") <= 2).then(pl.lit("1-2")).when(pl.col("weeks_since") <= 4).then(pl.lit("3-4"))
    by = rows.with_columns(span=span.when(pl.col("weeks_since") <= 8).then(pl.lit("5-8")).otherwise(pl.lit("9-16")))
    coverage = []
    for groups in (["span"], ["span", "of"]):
        told = by.group_by(groups).agg(
            pl.col("learned", "stretched").mean().round(4),
            width=(pl.col("width_stretched").sum() / pl.col("width").sum()).round(3),
        )
        coverage += told.with_columns(of=pl.col("of") if "of" in groups else pl.lit("all")).sort(groups).to_dicts()
    quarters = len(counts) * 7 * WEEKS / QUARTER_DAYS
    return {"coverage": coverage, "decisions_per_quarter": round(sum(counts) / quarters, 2)}


def _lines(told: dict[str, Any]) -> list[list[str]]:
    return [
        [spread, row["span"], row["of"], f"{row['learned']:.1%}", f"{row['stretched']:.1%}", f"{row['width']:.2f}"]
        for spread, one in told.items()
        for row in one["coverage"]
    ]


def _band(world: World) -> float:
    return world.params.monitor.coverage_band


if __name__ == "__main__":
    main()
