"""What refits are worth: accuracy, churn and cost for a refit every 1, 7, 28 days and never, and
what age costs a model.

One origin a week, on another weekday each; a cadence serves it with its newest fit. Every number is
a mean over the origins, the loss also as a ratio to that of a fit of the day, origin by origin.
Churn: how much of a table's units on the coming three weeks moved against the table of the week
before, series by series. Of M5: age alone, on every thirtieth item.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.harness.params import params_for, params_here
from benchmarks.harness.pipeline import window_of
from benchmarks.harness.process import seconds_of
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.scores import level_scores, mean_and_error
from benchmarks.harness.worlds import every_nth_item, fitted, recent, simulated
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params
from forecasting.global_lightgbm import GlobalLightGBM
from runtime.paths import Paths
from storage.panel_files import read_frozen

HORIZON, WEEK = 28, 7
CADENCES = {"every day": 1, "every 7 days": 7, "every 28 days": 28, "never": 10_000}
AGES, M5_AGES = (7, 28, 56, 112), (7, 28, 56)


@dataclass
class Weeks:
    """A panel forecast week by week; fits and tables are made once and kept."""

    params: Params
    panel: Panel
    first: date  # of the fits
    count: int
    fits: dict[date, GlobalLightGBM] = field(default_factory=dict)
    fit_s: list[float] = field(default_factory=list)
    tables: dict[tuple[date, date], np.ndarray] = field(default_factory=dict)

    @property
    def origins(self) -> list[date]:
        """One a week, three weekdays further each time: a weekly fit is met at every age."""
        return [self.first + timedelta(days=WEEK * k + (3 * k) % WEEK) for k in range(self.count)]

    def table(self, cutoff: date, origin: date) -> np.ndarray:
        """(series, horizon) forecast from the origin by the fit of the cutoff."""
        if (cutoff, origin) not in self.tables:
            if cutoff not in self.fits:
                self.fit_s.append(seconds_of(lambda: self._fit(cutoff)))
            known = recent(self.panel, origin)
            made = self.fits[cutoff].forecast(known, origin, HORIZON).sort("unique_id", "h")
            self.tables[cutoff, origin] = np.nan_to_num(
                made["y_hat"].to_numpy().reshape(-1, HORIZON)
            )
        return self.tables[cutoff, origin]

    def losses(self, origin: date, cutoffs: list[date]) -> list[float]:
        """WRMSSE, mean over levels, of the tables that these fits make from the origin."""
        window = window_of(self.params, self.panel, origin, HORIZON)
        order = window.series["unique_id"].arg_sort().arg_sort().to_numpy()
        losses = []
        for cutoff in cutoffs:
            y_hat = np.where(window.is_known, self.table(cutoff, origin)[order], 0.0)
            scores = level_scores(window, y_hat)
            losses.append(float(np.mean([level["wrmsse"] for level in scores])))
        return losses

    def served_by(self, origin: date, every: int) -> date:
        """The newest fit of a cadence on a day."""
        age = (origin - self.first).days % every
        return origin - timedelta(days=age)

    def _fit(self, cutoff: date) -> None:
        self.fits[cutoff] = fitted(self.params, self.panel, cutoff)


def measure(context: Context) -> Result:
    """The simulator; or, given its data folder, M5."""
    if data := context.options.m5:
        return context.before() | {"m5": _decay_on_m5(data)}
    params = params_here()
    panel = simulated(params, 500, 960, 7)
    first = panel.last_day - timedelta(days=HORIZON + WEEK * 20)
    return context.before() | {"simulator": _compared(Weeks(params, panel, first, 20))}


def table(result: Result) -> str:
    """By cadence and by age, world by world."""
    tables = []
    for world in ("simulator", "m5"):
        if world in result:
            tables += [_by_cadence(world, result[world])] if "cadences" in result[world] else []
            tables += [_by_age(world, result[world])]
    return "\n\n".join(tables)


def _by_cadence(world: str, result: Result) -> str:
    first, last, count = result["origins"]
    head = f"{world}, {result['series']} series, {count} origins {first} to {last}: refit"
    rows = [
        [
            name,
            f"{row['wrmsse']:.4f}",
            f"{row['loss_to_daily'] - 1:+.2%} ± {row['standard_error']:.2%}",
            f"{row['churn']:.1%}",
            f"{row['fit_s_a_week']:.1f}",
        ]
        for name, row in result["cadences"].items()
    ]
    return markdown_table(
        [head, "WRMSSE", "loss against daily", "churn a week", "fit s a week"], rows
    )


def _by_age(world: str, result: Result) -> str:
    by_age = result["loss_by_age"]
    losses = [f"{row['ratio'] - 1:+.2%} ± {row['error']:.2%}" for row in by_age.values()]
    origins = [str(row["origins"]) for row in by_age.values()]
    head = [f"{world}, {result['series']} series: age of the fit, days", *by_age]
    rows = [["loss against a fit of the day", *losses], ["origins", *origins]]
    return markdown_table(head, rows)


def _compared(weeks: Weeks) -> Result:
    """The cadences side by side, and the ratio of losses by age."""
    origins = weeks.origins[1:]  # on the first, the day of the first fit, all cadences are the same
    losses = {}
    for origin in origins:
        served = [weeks.served_by(origin, every) for every in CADENCES.values()]
        losses[origin] = dict(zip(CADENCES, weeks.losses(origin, served), strict=True))
    rows = {name: _cadence(weeks, name, losses) for name in CADENCES}
    fit_s = float(np.median(weeks.fit_s))
    for name, every in CADENCES.items():
        rows[name]["fit_s_a_week"] = round(fit_s * WEEK / every, 1)
    fresh = {origin: row["every day"] for origin, row in losses.items()}
    by_age = {age: _aged(weeks, fresh, age, 2) for age in AGES}
    return _where(origins, weeks.panel) | {
        "fit_s": round(fit_s, 2),
        "cadences": rows,
        "loss_by_age": {str(age): row for age, row in by_age.items() if row},
    }


def _cadence(weeks: Weeks, name: str, losses: dict[date, dict[str, float]]) -> Result:
    every, origins = CADENCES[name], list(losses)
    tables = {origin: weeks.table(weeks.served_by(origin, every), origin) for origin in origins}
    moved = [_churn(tables[a], tables[b], (b - a).days) for a, b in pairwise(origins)]
    ratio, error = mean_and_error([row[name] / row["every day"] for row in losses.values()])
    return {
        "wrmsse": round(float(np.mean([row[name] for row in losses.values()])), 4),
        "loss_to_daily": ratio,
        "standard_error": error,
        "churn": round(float(np.mean(moved)), 4),
    }


def _churn(before: np.ndarray, after: np.ndarray, days: int) -> float:
    """Share of units moved on the days both tables hold."""
    old, new = before[:, days:], after[:, : HORIZON - days]
    return float(np.abs(new - old).sum() / old.sum())


def _aged(weeks: Weeks, fresh: dict[date, float], age: int, step: int) -> Result | None:
    """Mean ratio of the loss to that of a fit of the day, its standard error, count of origins."""
    late = [origin for origin in fresh if origin - timedelta(days=age) >= weeks.first][::step]
    ratios = [weeks.losses(o, [o - timedelta(days=age)])[0] / fresh[o] for o in late]
    if len(ratios) < 2:
        return None
    ratio, error = mean_and_error(ratios)
    return {"ratio": ratio, "error": error, "origins": len(ratios)}


def _decay_on_m5(data: Path) -> Result:
    """Age alone: six origins four weeks apart, so that one fit is the age of several."""
    few = every_nth_item(read_frozen(Paths(data).panel), 30)
    origins = [few.last_day - timedelta(days=HORIZON * k) for k in range(6, 0, -1)]
    weeks = Weeks(params_for("m5"), few, origins[0] - timedelta(days=max(M5_AGES)), len(origins))
    fresh = {origin: weeks.losses(origin, [origin])[0] for origin in origins}
    return _where(origins, few) | {
        "wrmsse": round(float(np.mean(list(fresh.values()))), 4),
        "loss_by_age": {str(age): _aged(weeks, fresh, age, 1) for age in M5_AGES},
    }


def _where(origins: list[date], panel: Panel) -> Result:
    span = [str(origins[0]), str(origins[-1]), len(origins)]
    return {"origins": span, "series": panel.series.height}


BENCHMARK = Benchmark(
    question="How often is a refit worth its cost, and what does age cost a model?",
    needs="nothing, or with --m5 a finished M5 run; minutes",
    measure=measure,
    options=(Option("m5", "data folder of a finished M5 run: age alone, on its panel", kind=Path),),
    table=table,
)
