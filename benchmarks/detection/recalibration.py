"""Coverage of the 95% interval when the spread of demand changes: as learned beside rescaled by
what sold, week after week.

The tables are those of a replay. From a day on what sold is moved away from the table's mean by a
factor (1: nothing happens), cut at zero and rounded to whole units. The champion is not refitted
and its calibration not learned anew meanwhile; looks are weekly (production's are daily), each at
the tables of the five weeks before made under the interval scale that holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.replay import WORLDS, World, replayed, world_of
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.quantiles import INTERVALS, QUANTILES
from forecasting.recalibration import CLASSES, IntervalScale, learned_interval_scale
from forecasting.slices import FAST_UNITS, SLOW_UNITS
from monitoring.cusum import QUARTER_DAYS

SPREADS = (1.0, 1.5, 2.0, 0.67)  # times the spread there was
STARTS = 3  # days on which the drift enters, evenly over what is watched
WEEKS = 16  # followed from then on
WEEKS_SEEN = 5  # of tables that a look reads, as monitor.py
SPANS = {"1-2": 2, "3-4": 4, "5-8": 8, "9-16": 16}  # weeks since the start, up to
LOW, HIGH = INTERVALS[0.95]


def measure(context: Context) -> Result:
    """Every world, spread and start; coverage by weeks since, and how often a scale was decided."""
    names = context.options.worlds
    worlds = [replayed(world_of(name)) for name in names]
    by_spread = {}
    for spread in SPREADS:
        parts = [part for world in worlds for part in _followed(world, spread)]
        rows = pl.concat([rows for rows, _ in parts])
        by_spread[f"{spread:g}"] = _summed(rows, [count for _, count in parts])
    kept = {"worlds": names, "starts": STARTS, "weeks": WEEKS, "band": _band(worlds[0])}
    return kept | {"result": by_spread}


def table(result: Result) -> str:
    """One row per spread and class, one column per span of weeks: coverage as learned, rescaled,
    and the width.
    """
    rows = []
    for spread, one in result["result"].items():
        for of in ("all", *CLASSES):
            cells = {row["span"]: row for row in one["coverage"] if row["of"] == of}
            decisions = f"{one['decisions_per_quarter']:.1f}" if of == "all" else ""
            rows.append([f"x{spread}", of, *(_covered(cells[span]) for span in SPANS), decisions])
    spans = [f"weeks {span}: learned, rescaled (width)" for span in SPANS]
    return markdown_table(["spread", "series", *spans, "decisions a quarter"], rows)


def _followed(world: World, spread: float) -> Iterator[tuple[pl.DataFrame, int]]:
    """Of each start: the outcomes of every table since, as learned and rescaled; and how many
    decisions were made.
    """
    scored = world.scored(world.tables).filter(pl.col("reason").is_null())
    days = (world.panel.last_day - world.first_watched).days - 7 * WEEKS
    for k in range(STARTS):
        start = world.first_watched + timedelta(days=days * k // max(STARTS - 1, 1))
        yield _one_start(_spread(scored, start, spread), start, _band(world))


def _spread(scored: pl.DataFrame, start: date, factor: float) -> pl.DataFrame:
    moved = (pl.col("y_hat") + factor * (pl.col("y") - pl.col("y_hat"))).clip(0).round()
    since = pl.when(pl.col("ds") >= start).then(moved if factor != 1 else pl.col("y"))
    return scored.with_columns(y=since.otherwise("y"))


def _one_start(scored: pl.DataFrame, start: date, band: float) -> tuple[pl.DataFrame, int]:
    end = start + timedelta(weeks=WEEKS)
    scale, since, count, tables = IntervalScale(), date.min, 0, []
    for origin in scored["origin"].unique().sort():
        if not start <= origin < end:
            continue
        first = max(since, origin - timedelta(weeks=WEEKS_SEEN))
        made = pl.col("origin").is_between(first, origin, closed="left")
        seen = scored.filter(made, pl.col("ds") <= origin)
        if learned := learned_interval_scale(_rescaled(seen, scale), scale, band):
            scale, since, count = learned[0], origin, count + 1
        tables.append(
            _outcomes(scored.filter(origin=origin), scale, (origin - start).days // 7 + 1)
        )
    return pl.concat(tables), count


def _outcomes(table: pl.DataFrame, scale: IntervalScale, weeks_since: int) -> pl.DataFrame:
    rescaled = _rescaled(table, scale)
    classes = np.array(CLASSES)[np.digitize(table["y_hat"].to_numpy(), (SLOW_UNITS, FAST_UNITS))]
    return table.select(
        "origin",
        of=pl.Series(classes),
        weeks_since=pl.lit(weeks_since),
        learned=pl.col("y").is_between(LOW, HIGH),
        rescaled=rescaled["y"].is_between(rescaled[LOW], rescaled[HIGH]),
        width=pl.col(HIGH) - pl.col(LOW),
        width_rescaled=rescaled[HIGH] - rescaled[LOW],
    )


def _rescaled(rows: pl.DataFrame, scale: IntervalScale) -> pl.DataFrame:
    """The rows with their quantiles under an interval scale."""
    made = scale.applied(rows.select(list(QUANTILES)).to_numpy(), rows["y_hat"].to_numpy())
    return rows.with_columns(pl.Series(name, made[:, k]) for k, name in enumerate(QUANTILES))


def _summed(rows: pl.DataFrame, counts: list[int]) -> Result:
    """Coverage by weeks since the drift and class, both ways, the intervals' width beside;
    decisions a quarter.
    """
    names, lasts = list(SPANS), list(SPANS.values())
    rows = rows.with_columns(
        span=pl.col("weeks_since").cut(lasts[:-1], labels=names).cast(pl.String)
    )
    width = (pl.col("width_rescaled").sum() / pl.col("width").sum()).round(3)
    coverage = []
    for groups in (["span"], ["span", "of"]):
        means = rows.group_by(groups).agg(
            pl.col("learned", "rescaled").mean().round(4), width=width
        )
        of = pl.col("of") if "of" in groups else pl.lit("all")
        coverage += means.with_columns(of=of).sort(groups).to_dicts()
    quarters = len(counts) * 7 * WEEKS / QUARTER_DAYS
    return {"coverage": coverage, "decisions_per_quarter": round(sum(counts) / quarters, 2)}


def _covered(cell: Result) -> str:
    return f"{cell['learned']:.1%}, {cell['rescaled']:.1%} (x{cell['width']:.2f})"


def _band(world: World) -> float:
    return world.params.monitor.coverage_band


BENCHMARK = Benchmark(
    question="Does rescaling intervals bring coverage back when the spread of demand changes?",
    needs="replayed worlds with :lightgbm (made where they are not); minutes",
    measure=measure,
    options=(WORLDS,),
    table=table,
)
