"""Whether orders that leave shelves empty make the next forecasts, and so the next orders, smaller
and smaller: twelve weeks in which what is not there is not sold, and what is not sold is not
learned.

Every Monday's order by the proposals of `ordering` at a low service, forecast from the sales that
the orders before made possible; fitted anew every four weeks. Three tills: one that says how long
the shelf was empty (`stockout_share`), one that does not, and one with whole shelves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from benchmarks.accuracy.replenishment import HORIZON, learned, ours, series_matrix
from benchmarks.harness.pipeline import backtested
from benchmarks.harness.registry import Benchmark, Context, Option, Result
from benchmarks.render.markdown import markdown_table
from contract.demand import demand_rules
from contract.panel import Panel
from contract.params import Params
from features.dense import Days, units_sold
from forecasting.contenders import CANDIDATE, contenders
from forecasting.dispersion import dispersion_at_end
from forecasting.forecaster import BASELINE
from forecasting.intervals import Calibration
from ordering.simulation import Terms

TERMS, WEEKS, REFIT_WEEKS, WEEK = Terms(2, 7), 12, 4, 7
TILLS = ("whole shelves", "empty shelves, said", "empty shelves, not said")


def measure(context: Context) -> Result:
    """By till and week: bias of the forecast against what was wanted, and the share not sold."""
    params, panel, service = context.params, context.panel, context.options.service
    rows = [
        {"till": till, **week} for till in TILLS for week in _weeks(params, panel, till, service)
    ]
    return context.before() | {f"{service:.0%}": {"series": panel.series.height, "rows": rows}}


def _weeks(params: Params, panel: Panel, till: str, service: float) -> Iterator[Result]:
    start = panel.last_day - timedelta(days=WEEK * WEEKS)
    wanted = _wanted(params, panel)[:, -WEEK * WEEKS :]
    sides = {name: contenders(params, panel, None)[name] for name in (BASELINE, CANDIDATE)}
    calibration = _calibration(params, panel.up_to(start), sides)
    known, model = panel.up_to(start), sides[CANDIDATE]
    in_hand = wanted[:, :WEEK].mean(axis=1) * (WEEK + TERMS.lead_days)
    coming = np.zeros((len(wanted), WEEK * WEEKS + HORIZON))
    for week in range(WEEKS):
        if week % REFIT_WEEKS == 0:
            model.fit(known)
        means = series_matrix(model.forecast(known, known.last_day, HORIZON))
        day = week * WEEK
        of_week = wanted[:, day : day + WEEK]
        on_the_way = coming[:, day:].sum(axis=1)
        own = dispersion_at_end(known, demand_rules(params))["dispersion"].fill_null(np.nan)
        ordered = ours(calibration, means, own.to_numpy(), TERMS, service, in_hand, on_the_way)
        coming[:, day + TERMS.lead_days] += ordered
        sold = _sell(of_week, coming[:, day : day + WEEK], in_hand)
        if till == TILLS[0]:
            sold = of_week.copy()
        in_hand = np.maximum(in_hand + coming[:, day : day + WEEK].sum(axis=1) - sold.sum(1), 0.0)
        known = _with_sales(known, panel, week, sold, of_week, is_said=till == TILLS[1])
        expected = means[:, :WEEK].sum()
        yield {
            "week": week + 1,
            "bias": float(expected / of_week.sum() - 1),
            "not_sold": float(1 - sold.sum() / of_week.sum()),
        }


def _wanted(params: Params, panel: Panel) -> np.ndarray:
    """(series, days) units sold: taken for what was wanted."""
    days = Days(panel.first_day, (panel.last_day - panel.first_day).days + 1, 0, padding=0)
    return np.nan_to_num(units_sold(panel, days, demand_rules(params))).astype(np.float64)


def _calibration(params: Params, known: Panel, sides: dict) -> Calibration:
    cutoffs = [known.last_day - timedelta(days=HORIZON * k) for k in (4, 3, 2, 1)]
    made = backtested(params, known, sides, cutoffs, HORIZON, params.evaluate.refit_every)
    return learned(known, params, made)


def _sell(wanted: np.ndarray, arriving: np.ndarray, in_hand: np.ndarray) -> np.ndarray:
    """(series, WEEK) units sold of what is wanted, from what is there."""
    left, sold = in_hand.copy(), np.zeros_like(wanted)
    for day in range(wanted.shape[1]):
        left += arriving[:, day]
        sold[:, day] = np.minimum(wanted[:, day], left)
        left -= sold[:, day]
    return sold


def _with_sales(
    known: Panel, panel: Panel, week: int, sold: np.ndarray, wanted: np.ndarray, *, is_said: bool
) -> Panel:
    """The panel a week on, with what was sold instead of what was wanted."""
    first = known.last_day + timedelta(days=1)
    ahead = panel.up_to(known.last_day + timedelta(days=WEEK))
    ids = panel.series["unique_id"]
    empty = np.where(wanted > sold, 1 - sold / np.maximum(wanted, 1e-9), 0.0)
    made = pl.DataFrame(
        {
            "unique_id": ids.gather(np.repeat(np.arange(len(ids)), WEEK)),
            "ds": [first + timedelta(days=k) for k in range(WEEK)] * len(ids),
            "sold": sold.ravel(),
            "empty": empty.ravel() if is_said else np.zeros(sold.size),
        }
    )
    fresh = ahead.sales.filter(pl.col("ds") >= first).join(made, on=["unique_id", "ds"], how="left")
    stated = pl.max_horizontal(pl.col("stockout_share").fill_null(0.0), "empty")
    fresh = fresh.with_columns(y=pl.coalesce("sold", "y"), stockout_share=stated)
    sales = pl.concat([known.sales, fresh.select(known.sales.columns)]).sort("unique_id", "ds")
    return replace(ahead, sales=sales)


def table(result: Result) -> str:
    """A row a service and till: bias and share not sold, of the first, middle and last weeks."""
    lines = []
    for service, of_service in result.items():
        rows = pl.DataFrame(of_service["rows"]).with_columns(part=(pl.col("week") - 1) // 4)
        parts = rows.group_by("till", "part", maintain_order=True).agg(
            pl.col("bias").mean(), pl.col("not_sold").mean()
        )
        for till in TILLS:
            of_till = parts.filter(till=till)
            biases = [f"{100 * value:+.1f}%" for value in of_till["bias"]]
            shares = [f"{100 * value:.1f}%" for value in of_till["not_sold"]]
            lines.append([service, till, *biases, *shares])
    weeks = ("weeks 1 to 4", "5 to 8", "9 to 12")
    head = [*(f"bias, {w}" for w in weeks), *(f"not sold, {w}" for w in weeks)]
    return markdown_table(["service", "till", *head], lines)


BENCHMARK = Benchmark(
    question="Do empty shelves make the next orders smaller and smaller?",
    needs="a simulator's data folder; minutes",
    measure=measure,
    options=(Option("service", "what the orders aim at", 0.95, float),),
    table=table,
)
