"""Why one forecast is the number it is: what the booster saw, and every step after it.

The contributions are LightGBM's own (pred_contrib, TreeSHAP: Lundberg et al. 2020). They add up to
the booster's raw score, which is checked here; the score becomes units through the objective's link
(exp for tweedie and poisson), and the steps after it are taken again with the model's own
functions, so that the last of them is the published number; a caller says so where it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from contract.errors import BadUsage, ModelBroken
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from features.days_off import open_share
from features.dense_panel import DensePanel
from features.frame import Rows, feature_frame
from features.hierarchy import group_index
from features.sampling import serving_rows
from forecasting.alignment import aligned
from forecasting.at_rest import returns_of, towards_return
from forecasting.dispersion import dispersion_at_end
from forecasting.forecaster import days_late
from forecasting.global_lightgbm import GlobalLightGBM, recent_mean, with_forecast_as_sales
from forecasting.intervals import Calibration, quantiles_of_days
from forecasting.publication import trim_to_last_sale
from forecasting.window_average import towards_average

Step = tuple[str, float | None]  # what was done, units after it

ADDS_UP = 1e-6  # of the raw score; float64 sums of some hundred trees
BASE = "base"  # what the booster says knowing nothing: the bias term of pred_contrib


@dataclass(frozen=True)
class Explanation:
    """One cell. `features`: feature, value, contribution; `base` beside them.

    A value is null where unknown; contributions are of the raw score, largest first.

    `steps` are (what was done, units after it), from the booster's mean to the model's forecast;
    the last may be None: no forecast.
    """

    last_known: date
    days_ahead: int  # of the last known day: h, and more when the feed was late
    block: int
    features: pl.DataFrame
    base: float
    raw_score: float
    steps: list[Step]
    dispersion: float  # of the series up to then; its quantiles hang on it. NaN: unknown
    open_share: float  # of such days on which its store opened (features.days_off); mostly 1

    @property
    def y_hat(self) -> float | None:
        """The model's forecast for the cell."""
        return self.steps[-1][1]


def explain(
    model: GlobalLightGBM, panel: Panel, origin: date, horizon: int, unique_id: str, ds: date
) -> Explanation:
    """The model's forecast for one series and day, taken apart.

    The panel is what the run read, not yet cut.
    """
    if not 0 < (ds - origin).days <= horizon:
        raise BadUsage(
            f"{ds} is none of the {horizon} days after {origin}, the origin of that run."
        )
    known = trim_to_last_sale(panel.up_to(origin))
    if unique_id not in known.series["unique_id"]:
        raise BadUsage(
            f"no series '{unique_id}' was known to that run. Name one of table `series`."
        )
    own = dispersion_at_end(known, model.feature_recipe.rules).filter(unique_id=unique_id)
    share = opens_on(known, origin, unique_id, ds)
    known, steps = _pass_of(
        model, known, (ds - known.last_day).days, horizon + days_late(known, origin)
    )
    dense = model.serving_panel(known, steps)
    at = known.series["unique_id"].to_list().index(unique_id)
    ahead = (ds - known.last_day).days
    block = _block_of(model, ahead)
    features, base, raw_score = _contributions(model, dense, block, at, ahead)
    return Explanation(
        known.last_day,
        ahead,
        block,
        features,
        base,
        raw_score,
        with_open_share(_steps(model, dense, at, ahead, steps, raw_score), share),
        own["dispersion"].fill_null(float("nan")).item(),
        share,
    )


def opens_on(known: Panel, origin: date, unique_id: str, ds: date) -> float:
    """How likely the store of a series opens on a day after the origin."""
    ahead = (ds - origin).days
    share = open_share(known, origin, ahead)
    at = known.series["unique_id"].to_list().index(unique_id)
    return 1.0 if share is None else float(share[at, ahead - 1])


def with_open_share(steps: list[Step], share: float) -> list[Step]:
    """The steps, and after them the mean of days on some of which the store does not open."""
    _, opened = steps[-1]
    if share >= 1 or opened is None:
        return steps
    return [*steps, (f"its store opened on {share:.0%} of such weekdays", opened * share)]


def interval_steps(
    calibration: Calibration, y_hat: float, h: int, dispersion: float, share: float
) -> np.ndarray:
    """(9,) quantiles of a series over y_hat: the ratios it was multiplied with; NaN for a zero."""
    cell = np.array([y_hat]), np.array([h]), np.array([dispersion]), np.array([share])
    quantiles = quantiles_of_days(calibration, SERIES_LEVEL, *cell)[0]
    return quantiles / y_hat if y_hat > 0 else np.full(len(quantiles), np.nan)


def _pass_of(model: GlobalLightGBM, known: Panel, ahead: int, steps: int) -> tuple[Panel, int]:
    """The panel of the pass that forecasts the day, and how many days it forecasts.

    Only the recursive strategy has several.
    """
    per_pass = model.params.blocks[0] if model.is_recursive else steps
    done = 0
    while ahead - done > per_pass:
        known = with_forecast_as_sales(
            known, model.one_pass(known, per_pass), model.feature_recipe.rules.region
        )
        done += per_pass
    return known, min(per_pass, steps - done)


def _block_of(model: GlobalLightGBM, ahead: int) -> int:
    """The block that forecasts a day; the last one takes all days beyond its own."""
    return next((end for end in sorted(model.blocks) if ahead <= end), max(model.blocks))


def _contributions(
    model: GlobalLightGBM, dense: DensePanel, block: int, at: int, ahead: int
) -> tuple[pl.DataFrame, float, float]:
    """feature, value, contribution of one row; the base; and the raw score they add up to.

    ModelBroken if they do not.
    """
    frame = _one_row(dense, at, ahead)
    booster, row = model.boosters[block], frame.to_numpy()
    parts = booster.predict(row, pred_contrib=True, num_threads=1)[0]
    raw = float(booster.predict(row, raw_score=True, num_threads=1)[0])
    if abs(parts.sum() - raw) > ADDS_UP * max(1.0, abs(raw)):
        raise ModelBroken(
            f"the contributions sum to {parts.sum()!r}, the booster's score is {raw!r}. "
            "Report it: a bug."
        )
    table = pl.DataFrame(
        {"feature": frame.columns, "value": frame.row(0), "contribution": parts[:-1]}
    )
    return (
        table.sort(pl.col("contribution").abs(), descending=True, maintain_order=True),
        float(parts[-1]),
        raw,
    )


def _one_row(dense: DensePanel, at: int, ahead: int) -> pl.DataFrame:
    return feature_frame(
        dense, Rows(*(np.array([number]) for number in (at, dense.last_known, ahead)))
    )


def _steps(
    model: GlobalLightGBM, dense: DensePanel, at: int, ahead: int, steps: int, raw_score: float
) -> list[Step]:
    """From the raw score to the model's forecast, as GlobalLightGBM.one_pass takes them."""
    is_linear = model.params.objective == "regression"
    mean = raw_score if is_linear else float(np.exp(raw_score))
    taken: list[Step] = [("the booster's mean", mean)]
    is_closed = bool(dense.is_closed[at, dense.days.padding + dense.days.known + ahead - 1])
    if mean < 0:
        taken.append(("nothing below zero", 0.0))
    share = model.params.average_share
    if share > 0:
        y_hat = np.full((dense.series.height, steps), max(mean, 0.0))
        units = float(towards_average(dense, y_hat, share)[at, ahead - 1])
        taken.append((f"{share:.0%} of it the mean of eight same weekdays", units))
    taken += _rest_step(model, dense, at, taken[-1][1] or 0.0)
    if is_closed:
        taken.append(("closed on this day", 0.0))
    elif model.params.groups.columns is not None:
        units = _after_groups(model, dense, at, ahead, steps)
        taken.append((_group_words(model, dense, at), units))
    if model.lacks_plans(dense, _one_row(dense, at, ahead)).any() and not is_closed:
        taken.append(("a plan it learned from is unknown: no forecast", None))
    if np.isnan(dense.by_series["launch_ix"][at, 0]) and not is_closed:
        taken.append(("never sold before: no forecast", None))
    return taken


def _rest_step(model: GlobalLightGBM, dense: DensePanel, at: int, mean: float) -> list[Step]:
    """What a series at rest is drawn to, and units after it; nothing of one that is not."""
    rest_days = model.params.rest_days
    if rest_days is None:
        return []
    returns = returns_of(dense)
    if returns.rest.of_class[at] < 0:
        return []
    days, rate = returns.rest.days[at], returns.rest.rate[at]
    share, ratio = returns.share(rest_days)[at], returns.of_series[at]
    words = (
        f"no unit sold on its last {days:.0f} days: {share:.0%} of it is {ratio:.1%} of the "
        f"{rate:.3g} a day before, as series here sell after a rest as long"
    )
    return [(words, (1 - share) * mean + share * ratio * rate)]


def _after_groups(
    model: GlobalLightGBM, dense: DensePanel, at: int, ahead: int, steps: int
) -> float:
    """The cell after the group step.

    A group's factor hangs on its own members alone, so only they are forecast.
    """
    group_ix = group_index(dense.series, model.params.groups.columns or [])
    members = np.flatnonzero(group_ix == group_ix[at])
    y_hat = np.zeros((dense.series.height, steps))
    y_hat[members] = means_of(model, dense, members, steps)
    return float(aligned(dense, y_hat, model.params.groups)[at, ahead - 1])


def means_of(
    model: GlobalLightGBM, dense: DensePanel, members: np.ndarray, steps: int
) -> np.ndarray:
    """(members, steps) means before the group step, closed days 0."""
    parts, lacking = [], []
    for end, hs in model.blocks_covering(steps).items():
        frame = feature_frame(dense, serving_rows(dense, hs, members))
        means = model.boosters[end].predict(frame.to_numpy(), num_threads=model.params.threads)
        shape = len(members), len(hs)
        lacking.append(model.lacks_plans(dense, frame).reshape(shape))
        parts.append(np.clip(means, 0, None).reshape(shape))
    y_hat = np.zeros((dense.series.height, steps))
    y_hat[members] = np.hstack(parts)
    y_hat = towards_average(dense, y_hat, model.params.average_share)
    y_hat = towards_return(dense, y_hat, model.params.rest_days)[members]
    y_hat = np.where(np.hstack(lacking), recent_mean(dense)[members], y_hat)
    is_closed = dense.is_closed[members, dense.days.after(steps)]
    return np.where(is_closed, 0.0, y_hat)


def _group_words(model: GlobalLightGBM, dense: DensePanel, at: int) -> str:
    columns = model.params.groups.columns or []
    group = "|".join(str(dense.series[name][at]) for name in columns) or "total"
    return f"scaled towards the total of its group, {group}"
