"""Scores of a backtest as one long frame: every model, cutoff, level, slice and metric."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.quantiles import INTERVALS, QUANTILES
from forecasting.backtested import Backtested, WholeBacktest
from forecasting.intervals import (
    Calibration,
    DispersionClass,
    LevelSpans,
    Ratios,
    quantiles_of_days,
)
from forecasting.metrics import point_scores, quantile_scores, volume_scores
from forecasting.pairs import Pairs, calibrate, pairs_of
from forecasting.pit import newsvendor_costs, pit_scores
from forecasting.slices import slices_of
from forecasting.span_learning import with_spans
from forecasting.window import Window

Row = tuple[str, date, str, str, str, float]
# model -> level -> for each week ahead the fields of Ratios; and under SPANS, by model and level,
# those of LevelSpans
CalibrationJson = dict[str, dict[str, Any]]
SPANS = "spans"  # no model's name
ROW_SCHEMA = {
    "model": pl.String,
    "cutoff": pl.Date,
    "level": pl.String,
    "slice": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
}


def score_backtest(
    panel: Panel,
    backtest: pl.DataFrame,
    models: list[str],
    levels: list[Level],
    most_bins: int,
    rules: DemandRules,
) -> tuple[pl.DataFrame, dict[str, Calibration]]:
    """As `score`, of the rows of a backtest of a panel."""
    return score(WholeBacktest(panel, backtest, levels, rules), models, most_bins)


def score(
    backtest: Backtested, models: list[str], most_bins: int
) -> tuple[pl.DataFrame, dict[str, Calibration]]:
    """Scores as contract.frames.SCORES without run_id; each model's calibration by all cutoffs.

    Quantiles at a cutoff are scored with a calibration learned from earlier cutoffs only, whose
    windows had closed by then; the first cutoff has none, and so no quantile scores.
    """
    horizon = backtest.horizon
    rows: list[Row] = []
    pairs: dict[str, list[tuple[date, Pairs]]] = {model: [] for model in models}
    for cutoff in backtest.cutoffs:
        window = backtest.window(cutoff)
        share = backtest.open_share(window, cutoff)
        for model in models:
            y_hat = backtest.means(window, cutoff, model)
            closed = [
                earlier for day, earlier in pairs[model] if day + timedelta(days=horizon) <= cutoff
            ]
            calibration = calibrate(closed, most_bins) if closed else None
            of_cutoff = pairs_of(window, y_hat, share)
            scored = _score_one(window, y_hat, of_cutoff, calibration)
            rows += [(model, cutoff, *row) for row in scored]
            pairs[model].append((cutoff, of_cutoff.drawn()))
    scores = pl.DataFrame(rows, schema=ROW_SCHEMA, orient="row")
    return scores.filter(pl.col("value").is_finite()), {
        model: _calibrated([of_cutoff for _, of_cutoff in pairs[model]], most_bins)
        for model in models
    }


def _calibrated(pairs: list[Pairs], most_bins: int) -> Calibration:
    return with_spans(calibrate(pairs, most_bins), pairs, most_bins)


def calibration_json(calibrations: dict[str, Calibration]) -> CalibrationJson:
    """Calibrations as plain JSON, rounded so that the last bits of a float cannot change a hash."""
    days = {
        model: {
            level: [_rounded(week) for week in weeks]
            for level, weeks in calibration.by_level.items()
        }
        for model, calibration in calibrations.items()
    }
    spans = {
        model: {level: _plain_spans(spans) for level, spans in calibration.spans.items()}
        for model, calibration in calibrations.items()
    }
    return {**days, SPANS: spans}


def calibration_of(plain: CalibrationJson) -> dict[str, Calibration]:
    """The inverse of `calibration_json`; that of older code knows no spans."""
    spans = plain.get(SPANS, {})
    return {
        model: Calibration(
            {level: [ratios_of(week) for week in weeks] for level, weeks in levels.items()},
            {level: _spans_of(one) for level, one in spans.get(model, {}).items()},
        )
        for model, levels in plain.items()
        if model != SPANS
    }


def _plain_spans(spans: LevelSpans) -> dict[str, Any]:
    by_length = {str(length): _rounded(ratios) for length, ratios in spans.by_length.items()}
    return {"by_length": by_length, "common": float(f"{spans.common:.6g}")}


def _spans_of(plain: dict[str, Any]) -> LevelSpans:
    by_length = {int(length): ratios_of(of) for length, of in plain["by_length"].items()}
    return LevelSpans(dict(sorted(by_length.items())), plain["common"])


def ratios_of(plain: dict[str, Any]) -> Ratios:
    """One entry of the JSON; those of older code know no classes."""
    classes = tuple(DispersionClass(**of_class) for of_class in plain.get("classes", ()))
    return Ratios(**plain | {"classes": classes})


def _score_one(
    window: Window, y_hat: np.ndarray, of_cutoff: Pairs, calibration: Calibration | None
) -> list[tuple[str, str, str, float]]:
    rows, inside = [], None
    for level in window.levels:
        sums = of_cutoff.y_hat[level.level]
        scores = point_scores(level, sums)
        if calibration is not None:
            is_series = level.level == SERIES_LEVEL
            quantiles = (
                series_quantiles(calibration, of_cutoff)
                if is_series
                else level_quantiles(calibration, level.level, sums)
            )
            scores |= quantile_scores(level, quantiles) | pit_scores(
                level.y, quantiles, level.is_known
            )
            if is_series:
                price = level.sums(window.of_series.price)
                scores |= newsvendor_costs(level.y, quantiles, price, level.is_known)
                low, high = (quantiles[name] for name in INTERVALS[0.95])
                inside = ((low <= level.y) & (level.y <= high))[level.group_ix]
        rows += [(level.level, "all", metric, value) for metric, value in scores.items()]
    return rows + _average_of_levels(rows) + _score_slices(window, y_hat, inside)


def _average_of_levels(
    rows: list[tuple[str, str, str, float]],
) -> list[tuple[str, str, str, float]]:
    """M5's headline: the plain mean of WRMSSE (and WSPL) over the levels."""
    averages = []
    for metric in ("wrmsse", "wspl"):
        values = [value for _, _, name, value in rows if name == metric]
        if values:
            averages.append(("average", "all", metric, float(np.mean(values))))
    return averages


def _score_slices(
    window: Window, y_hat: np.ndarray, inside: np.ndarray | None
) -> list[tuple[str, str, str, float]]:
    bottom = window.levels[-1]
    y = bottom.y[bottom.group_ix]
    rows, own = [], window.of_series
    for name, mask in slices_of(own.kinds, y.shape[1], own.promoted).items():
        cells = mask & window.is_known
        rows += [
            (SERIES_LEVEL, name, metric, value)
            for metric, value in volume_scores(y[cells], y_hat[cells]).items()
        ]
        if inside is not None and cells.any():
            rows.append((SERIES_LEVEL, name, "coverage_95", float(inside[cells].mean())))
    return rows


def level_quantiles(
    calibration: Calibration, level: str, y_hat: np.ndarray
) -> dict[str, np.ndarray]:
    """The nine quantiles of (groups, horizon) means of a level above the series."""
    flat = calibration.quantiles(level, y_hat.ravel(), _days_ahead(y_hat))
    return _tables(flat, y_hat.shape)


def series_quantiles(calibration: Calibration, pairs: Pairs) -> dict[str, np.ndarray]:
    """The nine quantiles of the series of one cutoff, each (series, horizon)."""
    y_hat, share = pairs.y_hat[SERIES_LEVEL], pairs.open_share
    dispersion = np.repeat(pairs.dispersion, y_hat.shape[1])
    of_rows = y_hat.ravel(), _days_ahead(y_hat), dispersion
    opens = None if share is None else share.ravel()
    return _tables(quantiles_of_days(calibration, SERIES_LEVEL, *of_rows, opens), y_hat.shape)


def _days_ahead(y_hat: np.ndarray) -> np.ndarray:
    return np.tile(np.arange(1, y_hat.shape[1] + 1), len(y_hat))


def _tables(flat: np.ndarray, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name: flat[:, k].reshape(shape) for k, name in enumerate(QUANTILES)}


def _rounded(ratios: Ratios) -> dict[str, Any]:
    """The fields of Ratios; `classes` only where there are any."""

    def short(values: list[float]) -> list[float]:
        return [float(f"{value:.6g}") for value in values]

    classes = [
        {
            "dispersion": short(of_class.dispersion),
            "quantiles": [short(of_bin) for of_bin in of_class.quantiles],
        }
        for of_class in ratios.classes
    ]
    return {
        "centres": short(ratios.centres),
        "quantiles": [short(of_bin) for of_bin in ratios.quantiles],
        "at_zero": short(ratios.at_zero),
        "is_whole": ratios.is_whole,
        **({"classes": classes} if classes else {}),
    }
