"""Forecasters tried on a panel that is read in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from itertools import count
from pathlib import Path

import polars as pl

from contract.demand import DemandRules, demand_rules
from contract.levels import Level
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.backtest import BacktestPlan, Progress, fitted_cutoffs, plan_of
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.part_backtest import BacktestInParts, CutoffInParts, PartBacktest
from forecasting.part_lessons import BacktestLessons
from forecasting.trials import Sides
from scaling.engines import Engine
from scaling.parts import Parts
from scaling.run import run_parts
from scaling.whole import summed
from stages.learn_in_parts import learn_blocks, written_lessons

LOOK, TABLE = "look", "table.parquet"


@dataclass(frozen=True)
class LookAhead:
    """Hands in what a plan of the backtest and its features take from all parts (scaling.run)."""

    params: Params

    def __call__(self, panel: Panel, folder: Path) -> None:
        """Nothing is written but the totals."""
        plan_of(self.params, panel)
        feature_recipe_of(self.params, panel)


@dataclass(frozen=True)
class PartForecasts:
    """A fitted model's table of today, of a part (scaling.run)."""

    model: Forecaster
    horizon: int

    def __call__(self, panel: Panel, folder: Path) -> None:
        """The table as a file."""
        rows = self.model.forecast(panel, panel.last_day, self.horizon)
        rows.write_parquet(folder / TABLE)


@dataclass(frozen=True)
class TrialsInParts:
    """As forecasting.trials.Trials, of parts."""

    parts: Parts
    engine: Engine
    levels: list[Level]
    rules: DemandRules
    works: Iterator[int] = field(default_factory=count)  # no two works share a folder

    @cached_property
    def outline(self) -> Panel:
        """As Trials.outline."""
        return self.parts.outline(summed(self.parts, LOOK))

    def backtest(
        self, forecasters: Sides, plan: BacktestPlan, progress: Progress
    ) -> BacktestInParts:
        """As Trials.backtest."""
        of_cutoffs, fit = {}, partial(self._fit, plan)
        for cutoff, _ in fitted_cutoffs(self.outline, forecasters, plan, fit, progress):
            work = PartBacktest(forecasters, plan, cutoff, self.levels, self.rules)
            name = self._name("backtest")
            pasts = run_parts(work, name, self.parts, self.engine)
            of_cutoffs[cutoff] = CutoffInParts(self.parts.all_results(name), pasts)
        series = self.outline.series
        return BacktestInParts(series, self.levels, plan.horizon, list(forecasters), of_cutoffs)

    def forecasts(self, model: Forecaster, horizon: int) -> Iterator[pl.DataFrame]:
        """As Trials.forecasts; one part's is read at a time."""
        name = self._name("table")
        run_parts(PartForecasts(model, horizon), name, self.parts, self.engine)
        folders = self.parts.all_results(name)
        return (pl.read_parquet(folder / TABLE, glob=False) for folder in folders)

    def _fit(self, plan: BacktestPlan, forecaster: Forecaster, known: Panel, cutoff: date) -> None:
        if not isinstance(forecaster, GlobalLightGBM):  # none of the others learns from rows
            forecaster.fit(known)
            return
        lessons, name = BacktestLessons(forecaster, plan, cutoff), self._name("fit")
        outline = written_lessons(lessons, name, self.parts, self.engine)
        learn_blocks(forecaster.looked_at(lessons.seen_of(outline)), name, self.parts)

    def _name(self, kind: str) -> str:
        return f"{kind}-{next(self.works):03d}"


def trials_in_parts(params: Params, parts: Parts, engine: Engine) -> TrialsInParts:
    """The trials of these params on parts that lie in files."""
    run_parts(LookAhead(params), LOOK, parts, engine)
    return TrialsInParts(parts, engine, params.source.hierarchy, demand_rules(params))
