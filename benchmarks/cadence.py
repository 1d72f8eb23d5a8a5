"""What refits are worth: accuracy, churn and cost for a refit every 1, 7, 28 days and never, and what age costs a model.

run     python -m benchmarks.cadence [--m5 DATA_FOLDER]     (M5: a data folder after `make repro PROFILE=m5`; age alone)

One origin a week, on another weekday each; a cadence serves it with its newest fit. Every number is a mean over the origins, the
loss also as a ratio to that of a fit of the day, origin by origin. Churn: how much of a table's units on the coming three
weeks moved against the table of the week before, series by series.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measured import RESULTS, ROOT, keep
from benchmarks.tables_of_accuracy import cadence_rows
from benchmarks.worlds import fitted, params_for, recent, simulated
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from features.hierarchy import sum_by
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.metrics import point_scores
from forecasting.window import window_after
from reports.tables import text_table
from runtime.paths import Paths

RESULT = RESULTS / "cadence.json"
COLUMNS = ["refit", "wrmsse", "loss against daily", "churn a week", "fit s a week"]
HORIZON, WEEK = 28, 7
CADENCES = {"every day": 1, "every 7 days": 7, "every 28 days": 28, "never": 10_000}
AGES, M5_AGES = (7, 28, 56, 112), (7, 28, 56)


@dataclass
class Walk:
    """A panel walked week by week; fits and tables are made once and kept."""

    params: Params
    panel: Panel
    first: date  # of the fits
    weeks: int
    fits: dict[date, GlobalLightGBM] = field(default_factory=dict)
    fit_s: list[float] = field(default_factory=list)
    tables: dict[tuple[date, date], np.ndarray] = field(default_factory=dict)

    @property
    def origins(self) -> list[date]:
        """One a week, three weekdays further each time, so that a weekly fit is met at every age."""
        return [self.first + timedelta(days=WEEK * k + (3 * k) % WEEK) for k in range(self.weeks)]

    def table(self, cutoff: date, origin: date) -> np.ndarray:
        """(series, horizon) forecast from the origin by the fit of the cutoff."""
        if (cutoff, origin) not in self.tables:
            if cutoff not in self.fits:
                started = time.perf_counter()
                self.fits[cutoff] = fitted(self.params, self.panel, cutoff)
                self.fit_s.append(time.perf_counter() - started)
            told = self.fits[cutoff].forecast(recent(self.panel, origin), origin, HORIZON).sort("unique_id", "h")
            self.tables[cutoff, origin] = np.nan_to_num(told["y_hat"].to_numpy().reshape(-1, HORIZON))
        return self.tables[cutoff, origin]

    def losses(self, origin: date, cutoffs: list[date]) -> list[float]:
        """WRMSSE, mean over levels, of the tables that these fits make from the origin."""
        window = window_after(self.panel, origin, HORIZON, self.params.source.hierarchy)
        order = window.series["unique_id"].arg_sort().arg_sort().to_numpy()
        told = []
        for cutoff in cutoffs:
            y_hat = np.where(window.is_known, self.table(cutoff, origin)[order], 0.0)
            levels = [point_scores(w, sum_by(y_hat, w.group_ix, len(w.group_key))[0]) for w in window.levels]
            told.append(float(np.mean([scores["wrmsse"] for scores in levels])))
        return told

    def served_by(self, origin: date, every: int) -> date:
        """The newest fit of a cadence on a day."""
        age = (origin - self.first).days % every
        return origin - timedelta(days=age)


def main() -> None:
    """Walk the worlds, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--m5", type=Path, help="data folder of a finished M5 run")
    arguments = parser.parse_args()
    params = load_params(ROOT / "params.yaml")
    made = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    if arguments.m5:
        made["m5"] = _decay_on_m5(arguments.m5)
    else:
        panel = simulated(params, 500, 960, 7)
        made["simulator"] = measure(Walk(params, panel, panel.last_day - timedelta(days=HORIZON + WEEK * 20), 20))
    keep("cadence", made)
    for name in made.keys() - {"machine"}:
        if "cadences" in made[name]:
            print(name, text_table(COLUMNS, cadence_rows(made[name])), sep="\n")
        print(name, made[name]["loss_by_age"])


def measure(walk: Walk) -> dict[str, Any]:
    """The cadences side by side, and the ratio of losses by age."""
    origins = walk.origins[1:]  # the first is the day of the first fit: all cadences are the same there
    losses = {o: dict(zip(CADENCES, walk.losses(o, _served(walk, o)), strict=True)) for o in origins}
    told = {name: _cadence(walk, name, every, losses) for name, every in CADENCES.items()}
    fit_s = float(np.median(walk.fit_s))
    for name, every in CADENCES.items():
        told[name]["fit_s_a_week"] = round(fit_s * WEEK / every, 1)
    return {
        "origins": [str(origins[0]), str(origins[-1]), len(origins)],
        "series": walk.panel.series.height,
        "fit_s": round(fit_s, 2),
        "cadences": told,
        "loss_by_age": _by_age(walk, {o: row["every day"] for o, row in losses.items()}),
    }


def _served(walk: Walk, origin: date) -> list[date]:
    return [walk.served_by(origin, every) for every in CADENCES.values()]


def _cadence(walk: Walk, name: str, every: int, losses: dict[date, dict[str, float]]) -> dict[str, Any]:
    ratios = [row[name] / row["every day"] for row in losses.values()]
    origins = list(losses)
    moved = [
        _churn(walk.table(walk.served_by(a, every), a), walk.table(walk.served_by(b, every), b), (b - a).days)
        for a, b in pairwise(origins)
    ]
    return {
        "wrmsse": round(float(np.mean([row[name] for row in losses.values()])), 4),
        "loss_to_daily": round(float(np.mean(ratios)), 4),
        "standard_error": round(float(np.std(ratios, ddof=1) / np.sqrt(len(ratios))), 4),
        "churn": round(float(np.mean(moved)), 4),
    }


def _churn(before: np.ndarray, after: np.ndarray, days: int) -> float:
    """Share of units moved on the days both tables tell of."""
    shared = HORIZON - days
    old, new = before[:, days:], after[:, :shared]
    return float(np.abs(new - old).sum() / old.sum())


def _by_age(walk: Walk, fresh: dict[date, float]) -> dict[str, dict[str, float]]:
    """age in days -> mean ratio of the loss to that of a fit of the day, its standard error, and how many origins."""
    told = {}
    for age in AGES:
        days = [o for o in fresh if o - timedelta(days=age) >= walk.first]
        ratios = [walk.losses(o, [o - timedelta(days=age)])[0] / fresh[o] for o in days[::2]]
        if len(ratios) > 1:
            error = float(np.std(ratios, ddof=1) / np.sqrt(len(ratios)))
            told[str(age)] = {
                "ratio": round(float(np.mean(ratios)), 4),
                "error": round(error, 4),
                "origins": len(ratios),
            }
    return told


def _decay_on_m5(folder: Path) -> dict[str, Any]:
    """Age alone, on every thirtieth item: six origins four weeks apart, so that one fit is the age of several."""
    from storage.panel_files import read_frozen

    panel = read_frozen(Paths(folder).panel)
    items = panel.series["item_id"].unique().sort().gather_every(30)
    few = panel.only(panel.series.filter(panel.series["item_id"].is_in(items.implode()))["unique_id"])
    origins = [few.last_day - timedelta(days=HORIZON * k) for k in range(6, 0, -1)]
    walk = Walk(params_for("m5"), few, origins[0] - timedelta(days=max(M5_AGES)), len(origins))
    fresh, told = {o: walk.losses(o, [o])[0] for o in origins}, {}
    for age in M5_AGES:
        ratios = [walk.losses(o, [o - timedelta(days=age)])[0] / fresh[o] for o in origins]
        error = float(np.std(ratios, ddof=1) / np.sqrt(len(ratios)))
        told[str(age)] = {"ratio": round(float(np.mean(ratios)), 4), "error": round(error, 4), "origins": len(ratios)}
        print(age, told[str(age)], flush=True)
    where = {"origins": [str(origins[0]), str(origins[-1]), len(origins)], "series": few.series.height}
    return where | {"wrmsse": round(float(np.mean(list(fresh.values()))), 4), "loss_by_age": told}


if __name__ == "__main__":
    main()
