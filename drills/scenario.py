"""One forecast, clean or broken: what is published, and what it scores on days that neither models
nor fault have touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from contract.demand import demand_rules
from contract.levels import Level
from contract.panel import Panel
from contract.params import Params, TrainParams
from contract.quantiles import INTERVALS, QUANTILES
from features.dense_panel import feature_recipe_of
from forecasting.bundle import save_bundle
from forecasting.champion import CALIBRATION, keep_calibration
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.ladder import who_serves
from forecasting.metrics import point_scores
from forecasting.publication import publish_forecasts, serving_of
from forecasting.scoring import calibration_json, score_backtest
from forecasting.seasonal_naive import SeasonalNaive, baseline_of
from forecasting.window import Window, window_after

CHAMPION, PREVIOUS = "champion", "previous"  # folders in the drill's own registry
PREVIOUS_DAYS = 56  # the champion before learned so many days less
# at most: a drill compares with its own clean run, so fits of seconds serve
FIT_ROWS, FIT_ROUNDS = 100_000, 80
RENAMED = "_N"  # what a renamed item's name ends with
MODELS = ("seasonal_naive", "global_lightgbm")


@dataclass(frozen=True)
class Scenario:
    """What all drills share: the uncut panel, the origin, and a registry whose models have learned
    up to the origin at most.
    """

    panel: Panel
    origin: date
    horizon: int
    registry: Path
    fit: Callable[[Panel], GlobalLightGBM]
    baseline: SeasonalNaive
    params: Params

    @property
    def levels(self) -> list[Level]:
        """Every level from the top to the series."""
        return self.params.source.hierarchy

    @cached_property
    def known(self) -> Panel:
        """What an undisturbed forecaster sees."""
        return self.panel.up_to(self.origin)

    @cached_property
    def window(self) -> Window:
        """The undisturbed actuals after the origin, by the rules of demand that params state."""
        return window_after(
            self.panel, self.origin, self.horizon, self.levels, demand_rules(self.params)
        )

    def save_model(self, model: GlobalLightGBM, registry: Path, name: str) -> None:
        """Put a model and its calibration into a registry, in place of the one of this name."""
        shutil.rmtree(registry / name, ignore_errors=True)
        save_bundle(model, registry / name, self.panel.hash)
        keep_calibration(registry / CALIBRATION, registry / name)


@dataclass(frozen=True)
class Outcome:
    """What a table scored. `wrmsse` is the mean over levels, `bias` that of the total, `coverage`
    of the series' 95% intervals.
    """

    wrmsse: float
    bias: float
    coverage: float
    is_whole: bool
    reasons: dict[str, int]  # rows not the champion's, by reason


def build_scenario(panel: Panel, backtest: pl.DataFrame, scratch: Path, params: Params) -> Scenario:
    """A champion fitted up to one horizon before the panel's end, and the one before it, in a
    registry under `scratch`.

    `backtest`: the calibration is learned from its windows that had closed by the origin (from all
    of them, where none had).
    """
    origin, horizon = panel.last_day - timedelta(days=params.train.horizon), params.train.horizon
    registry = scratch / "registry"
    registry.mkdir(parents=True)
    train = params.train.model_copy(update=_quick(params.train))
    scenario = Scenario(
        panel,
        origin,
        horizon,
        registry,
        lambda known: GlobalLightGBM(train, feature_recipe_of(params, panel)).fit(known),
        baseline_of(params),
        params,
    )
    _write_calibration(scenario, backtest)
    for name, days in ((CHAMPION, 0), (PREVIOUS, PREVIOUS_DAYS)):
        model = scenario.fit(panel.up_to(origin - timedelta(days=days)))
        scenario.save_model(model, registry, name)
    return scenario


def publish(
    scenario: Scenario, panel: Panel, registry: Path, origin: date | None = None
) -> pl.DataFrame:
    """The table production would publish from this panel and registry, through the same calls."""
    serving = serving_of(scenario.params, who_serves(registry, [CHAMPION, PREVIOUS], registry))
    return publish_forecasts(serving, panel, origin or scenario.origin, scenario.horizon, "drill")


def outcome_of(scenario: Scenario, forecasts: pl.DataFrame) -> Outcome:
    """The scores of a table against the actuals; NaN where rows are missing. An item under a new
    name counts as itself.
    """
    forecasts = _under_old_names(forecasts)
    scores = level_scores(scenario, forecasts)
    reasons = (
        forecasts.filter(pl.col("reason").is_not_null()).group_by("reason").len().sort("reason")
    )
    return Outcome(
        wrmsse=float(np.mean([score["wrmsse"] for score in scores])),
        bias=scores[0]["bias"],
        coverage=_coverage(scenario, forecasts),
        is_whole=_is_whole(scenario, forecasts),
        reasons=dict(reasons.iter_rows()),
    )


def level_scores(scenario: Scenario, forecasts: pl.DataFrame) -> list[dict[str, float]]:
    """Metric to value of each level, from the top to the series, over the cells that count."""
    y_hat = scenario.window.matrix(forecasts)
    return [point_scores(level, level.sums(y_hat)) for level in scenario.window.levels]


def _quick(train: TrainParams) -> dict[str, object]:
    """A fit in seconds: two blocks, fewer rows and rounds."""
    rounds, rows = min(train.rounds, FIT_ROUNDS), min(train.max_rows, FIT_ROWS)
    return {"blocks": [train.horizon // 2, train.horizon], "rounds": rounds, "max_rows": rows}


def _coverage(scenario: Scenario, forecasts: pl.DataFrame) -> float:
    low, high = (scenario.window.matrix(forecasts, name) for name in INTERVALS[0.95])
    bottom = scenario.window.levels[-1]
    y = bottom.y[bottom.group_ix]
    inside = (low <= y) & (y <= high)
    return float(inside[scenario.window.is_known].mean())


def _under_old_names(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Rows of renamed items added to those of their old names, as the planner orders them."""
    if not forecasts["unique_id"].str.ends_with(RENAMED).any():
        return forecasts
    key = [pl.col("unique_id").str.strip_suffix(RENAMED), "ds", "h"]
    numbers = pl.col("y_hat", *QUANTILES).sum()
    return forecasts.group_by(key, maintain_order=True).agg(
        numbers, pl.col("reason").drop_nulls().first()
    )


def _is_whole(scenario: Scenario, forecasts: pl.DataFrame) -> bool:
    ours = forecasts.join(scenario.panel.series.select("unique_id"), on="unique_id", how="semi")
    numbers = forecasts.select("y_hat", *QUANTILES)
    sound = numbers.select(
        pl.all_horizontal(pl.all().is_finite() & (pl.all() >= 0)).fill_null(False).all()
    ).item()
    wanted = scenario.panel.series.height * scenario.horizon
    return sound and ours.select("unique_id", "ds").n_unique() == wanted


def _write_calibration(scenario: Scenario, backtest: pl.DataFrame) -> None:
    params = scenario.params
    last_closed = scenario.origin - timedelta(days=scenario.horizon)
    closed = backtest.filter(pl.col("cutoff") <= last_closed)
    learned_on = closed if closed.height else backtest
    models = [name for name in MODELS if name in backtest.columns]
    bins, rules = params.evaluate.calibration_bins, demand_rules(params)
    known = scenario.known if closed.height else scenario.panel
    _, calibrations = score_backtest(known, learned_on, models, scenario.levels, bins, rules)
    text = json.dumps(calibration_json(calibrations), sort_keys=True)
    (scenario.registry / CALIBRATION).write_text(text, encoding="utf-8")
