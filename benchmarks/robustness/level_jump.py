"""How far totals lie from the eight weeks before them, and what `inference.max_level_jump` and the
chain's own past make of it: of a year's clean tables, of other shops' models, of what truly sold.

A clean table must pass, the model of a shop a tenth as large should not. Of the shared data sets
there are no hundred tables, so what sold stands in: a right table would have had that total.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.long_backtests import CHAINS, LongBacktest, long_backtests
from benchmarks.harness.registry import SHARED, Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import fitted
from benchmarks.render.markdown import markdown_table
from contract.days import YEAR
from drills.drilling import of_another_shop
from forecasting.contenders import CANDIDATE
from forecasting.level_jump import LEVEL_DAYS, MOST_BEYOND_PAST, largest_jump

READ_DAYS = 660  # of history that a forecast's tail has with the shipped params
HORIZON, DIVISOR = 28, 10
Jump = tuple[float, float]  # of a total against the eight weeks before; the largest of the past
SOLD = {  # file below the shared folder, columns of day and units
    "Rossmann, what sold": ("rossmann/train", "Date", "Sales"),
    "Store item demand, what sold": ("store_item_demand/train", "date", "sales"),
    "Online retail, what sold": ("online_retail/transactions", "invoice_ts", "quantity"),
}
M5 = "M5 from 2011 on, what sold"


def measure(context: Context) -> Result:
    """By kind of table the jumps and those of the past; and how many of them each rule refuses."""
    limit = context.params.inference.max_level_jump
    jumps: dict[str, list[Jump]] = {}
    for chain in long_backtests(context.options.chains):
        jumps.setdefault(f"{chain.world} world, clean tables", []).extend(_of_tables(chain))
        other = f"{chain.world} world, the model of a shop a tenth as large"
        jumps.setdefault(other, []).append(_of_another_shop(chain))
    if (shared := context.options.shared).is_dir():
        jumps[M5] = list(_of_sales(_m5_total(shared)))
        for name, columns in SOLD.items():
            jumps[name] = list(_of_sales(_daily(shared, *columns)))
    return context.before() | {name: _summed(found, limit) for name, found in jumps.items()}


def table(result: Result) -> str:
    """A row per kind of table."""
    head = ["totals", "in all", "jump, median", "most", "largest of the past, least to most"]
    head += ["jump over the past's, most", "refused by max_level_jump alone", "refused"]
    rows = [
        [
            name,
            f"{one['totals']:,}",
            *(f"{one[what]:.2f}" for what in ("jump_median", "jump_most")),
            f"{one['past_least']:.2f} to {one['past_most']:.2f}",
            f"{one['over_past']:.2f}",
            *(f"{one[what]:.1%}" for what in ("refused_before", "refused")),
        ]
        for name, one in result.items()
        if name != "machine"
    ]
    return markdown_table(head, rows)


def _summed(jumps: list[Jump], limit: float) -> Result:
    jump, past = np.array(jumps).T
    refused = jump > np.minimum(limit, MOST_BEYOND_PAST * past)
    return {
        "totals": len(jump),
        "jump_median": round(float(np.median(jump)), 3),
        "jump_most": round(float(jump.max()), 3),
        "past_least": round(float(past.min()), 3),
        "past_most": round(float(past.max()), 3),
        "over_past": round(float((jump / past).max()), 3),
        "refused_before": round(float((jump > limit).mean()), 4),
        "refused": round(float(refused.mean()), 4),
    }


def _of_tables(chain: LongBacktest) -> Iterator[Jump]:
    totals = chain.forecasts.group_by("cutoff").agg(pl.col(CANDIDATE).sum()).sort("cutoff")
    for cutoff, total in totals.iter_rows():
        yield _jump(_units(chain, cutoff), total)


def _of_another_shop(chain: LongBacktest) -> Jump:
    """At the last cutoff, by a model of the small recipe."""
    cutoff = chain.forecasts["cutoff"].max()
    known = chain.panel.up_to(cutoff)
    model = fitted(chain.params, of_another_shop(known, DIVISOR), cutoff)
    total = model.forecast(known, cutoff, HORIZON)["y_hat"].sum()
    return _jump(_units(chain, cutoff), total)


def _of_sales(units: np.ndarray) -> Iterator[Jump]:
    """Of every day with a year before it and a horizon after it."""
    for day in range(YEAR, len(units) - HORIZON + 1):
        yield _jump(units[:day], float(units[day : day + HORIZON].sum()))


def _jump(past: np.ndarray, total: float) -> Jump:
    factor = total / HORIZON / past[-LEVEL_DAYS:].mean()
    return max(factor, 1 / factor), largest_jump(past[-READ_DAYS:], HORIZON)


def _units(chain: LongBacktest, cutoff: date) -> np.ndarray:
    by_day = chain.panel.sales.group_by("ds").agg(pl.col("y").sum()).sort("ds")
    units: np.ndarray = by_day.filter(pl.col("ds") <= cutoff)["y"].cast(pl.Float64).to_numpy()
    return units


def _daily(shared: Path, file: str, day: str, units: str) -> np.ndarray:
    """(days,) units of the whole, every day from the first to the last; returns are left out."""
    sold = pl.scan_parquet(shared / f"{file}.parquet").filter(pl.col(units) > 0)
    by_day = sold.group_by(ds=pl.col(day).cast(pl.Date)).agg(y=pl.col(units).sum())
    whole = by_day.sort("ds").collect().upsample("ds", every="1d").fill_null(0)
    daily: np.ndarray = whole["y"].cast(pl.Float64).to_numpy()
    return daily


def _m5_total(shared: Path) -> np.ndarray:
    total = pl.read_parquet(shared / "m5_long" / "levels1to9_d1_d1941.parquet").filter(level=1)
    daily: np.ndarray = total.select(pl.col("^d_[0-9]+$")).to_numpy()[0].astype(float)
    return daily


BENCHMARK = Benchmark(
    question="Does a clean table ever look like another shop's, and another shop's like ours?",
    needs="a minute a chain and world; the shared data sets, where they are",
    measure=measure,
    options=(CHAINS, SHARED),
    table=table,
)
