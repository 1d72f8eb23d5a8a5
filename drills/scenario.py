"""One forecast, clean or broken: what is published, and what it scores on days held out from model and fault alike."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from contract.levels import Level
from contract.panel import Panel
from contract.params import InferenceParams, IngestParams, Params
from contract.quantiles import QUANTILES
from features.hierarchy import sum_by
from features.space import reading_of
from forecasting.bundle import save_bundle
from forecasting.champion import CALIBRATION, champion_in_registry
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.metrics import point_scores
from forecasting.publication import publish_forecasts
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.window import Window, window_after

CHAMPION = "champion"  # the folder's name in the drill's own registry


@dataclass(frozen=True)
class Stage:
    """Where the drills play: the uncut panel, the origin, and a registry whose champion has learned up to the origin only."""

    panel: Panel
    origin: date
    horizon: int
    registry: Path
    model_id: str
    baseline: SeasonalNaive
    levels: list[Level]
    inference: InferenceParams
    ingest: IngestParams

    @cached_property
    def known(self) -> Panel:
        """What an undisturbed forecaster sees."""
        return self.panel.up_to(self.origin)

    @cached_property
    def window(self) -> Window:
        """What came true after the origin, undisturbed."""
        return window_after(self.panel, self.origin, self.horizon, self.levels, self.ingest.absent_means_zero)


@dataclass(frozen=True)
class Outcome:
    """What a table scored. `wrmsse` is the mean over levels, `bias` that of the total."""

    wrmsse: float
    bias: float
    is_whole: bool
    reasons: dict[str, int]  # rows not the champion's, by reason


def set_stage(panel: Panel, calibration: Path, scratch: Path, params: Params) -> Stage:
    """A champion fitted up to one horizon before the panel's end, in a registry under `scratch`.

    `calibration` is the backtest's; it has seen the held-out days, so drills grade means, never intervals.
    """
    origin, horizon = panel.last_day - timedelta(days=params.train.horizon), params.train.horizon
    registry = scratch / "registry"
    model = GlobalLightGBM(params.train, reading_of(params, panel)).fit(panel.up_to(origin))
    save_bundle(model, registry / CHAMPION, panel.hash)
    shutil.copy(calibration, registry / CALIBRATION)
    shutil.copy(calibration, registry / CHAMPION / CALIBRATION)
    levels, zeros = params.source.hierarchy, params.ingest.absent_means_zero
    baseline = SeasonalNaive(params.train.season, params.source.region, zeros)
    return Stage(panel, origin, horizon, registry, CHAMPION, baseline, levels, params.inference, params.ingest)


def publish(stage: Stage, panel: Panel, registry: Path) -> pl.DataFrame:
    """The table production would publish from this panel and this registry, through the same calls."""
    champion = champion_in_registry(registry, stage.model_id, registry)
    return publish_forecasts(
        panel,
        stage.origin,
        stage.horizon,
        champion.model,
        stage.baseline,
        champion.calibrations,
        stage.inference,
        "drill",
        stage.baseline.region,
    )


def outcome_of(stage: Stage, forecasts: pl.DataFrame) -> Outcome:
    """The scores of a table against what came true; NaN where rows are missing."""
    y_hat = stage.window.matrix(forecasts)
    scores = [
        point_scores(level, sum_by(y_hat, level.group_ix, len(level.group_key))[0]) for level in stage.window.levels
    ]
    reasons = forecasts.filter(pl.col("reason").is_not_null()).group_by("reason").len().sort("reason")
    return Outcome(
        wrmsse=float(np.mean([score["wrmsse"] for score in scores])),
        bias=scores[0]["bias"],
        is_whole=_is_whole(stage, forecasts),
        reasons=dict(reasons.iter_rows()),
    )


def _is_whole(stage: Stage, forecasts: pl.DataFrame) -> bool:
    numbers = forecasts.select("y_hat", *QUANTILES)
    sound = numbers.select(pl.all_horizontal(pl.all().is_finite() & (pl.all() >= 0)).fill_null(False).all()).item()
    return sound and forecasts.select("unique_id", "ds").n_unique() == stage.panel.series.height * stage.horizon
