"""Which series are slow, resting or intermittent at a cutoff, and how forecasts of them did.

Of means the squared error over the series' own scale counts, before any root, and that of the sum
over the horizon; of quantiles the pinball loss of days and of that sum. A daily WAPE and the root
of a series' error are least for zero where most days are zero, and are not kept.
"""

from __future__ import annotations

import numpy as np

from contract.levels import SERIES_LEVEL
from forecasting.intervals import TAUS, Calibration
from forecasting.pairs import Pairs
from forecasting.scoring import series_quantiles
from forecasting.spans import Spans, span_quantiles
from forecasting.window import Window

UNITS = {"under 0.1": 0.1, "0.1 to 0.3": 0.3, "0.3 to 1": 1.0, "1 to 5": 5.0}  # a day, of 56
RESTS = {"28 to 55 days": 56, "56 to 111": 112, "112 to 223": 224}
RECENT_DAYS, REST_DAYS = 56, 28
OFTEN, STEADY = 1.32, 0.49  # interval between sales, squared variation of their sizes
DEMAND = ("smooth", "erratic", "intermittent", "lumpy")
MOST_UNITS, LONGEST = "5 and more", "224 and more"
ORDER = [
    *(("at rest", part) for part in (*RESTS, LONGEST)),
    *(("units a day", part) for part in (*UNITS, MOST_UNITS)),
    *(("demand", part) for part in DEMAND),
]
LOW, HIGH = 1, 7  # of the nine quantiles: between them 95%
ZERO = "zero"
SUMMED = ("squared", "squared_sum", "error", "absolute", "units")
SUMMED += ("pinball", "pinball_sum", "covered")


def parts_of(history: np.ndarray) -> dict[str, np.ndarray]:
    """Way of parting -> (series,) names; "" for a series that has no part in it.

    `history` (series, days) units up to the cutoff, 0 before the first sale.
    """
    days, sold = history.shape[1], history > 0
    ever = sold.any(axis=1)
    rest = np.where(ever, sold[:, ::-1].argmax(axis=1), 0)
    age = np.where(ever, days - sold.argmax(axis=1), 0)
    rests, settled = ever & (rest >= REST_DAYS), (age >= RECENT_DAYS)
    mean = history[:, -RECENT_DAYS:].mean(axis=1)
    velocity = np.select([mean < most for most in UNITS.values()], list(UNITS), MOST_UNITS)
    resting = np.select([rest < most for most in RESTS.values()], list(RESTS), LONGEST)
    return {
        "units a day": np.where(settled & ~rests, velocity, ""),
        "at rest": np.where(rests, resting, ""),
        "demand": np.where(settled & ~rests, demand_classes(history, sold, age), ""),
    }


def demand_classes(history: np.ndarray, sold: np.ndarray, age: np.ndarray) -> np.ndarray:
    """(series,) smooth, erratic, intermittent or lumpy (Syntetos and Boylan, 2005)."""
    sales = np.maximum(sold.sum(axis=1), 1)
    size = history.sum(axis=1) / sales
    spread = np.where(sold, (history - size[:, None]) ** 2, 0.0).sum(axis=1)
    variation = spread / np.maximum(sales - 1, 1) / np.maximum(size, 1e-9) ** 2
    often, steady = age / sales < OFTEN, variation < STEADY
    of_size = [often & steady, often, steady]
    return np.select(of_size, DEMAND[:-1], DEMAND[-1])


def mean_sums(window: Window, y_hat: np.ndarray) -> dict[str, np.ndarray]:
    """Of each series what adds up over series: squared errors over its scale, of days (their mean)
    and of the sum of all days; error, absolute error and units of that sum. NaN without a scale.
    """
    bottom = window.levels[-1]
    error, scale = window.error(y_hat), bottom.squared_scale[bottom.group_ix]
    known = window.is_known.sum(axis=1)
    counts = (scale > 0) & (known > 0)
    over = np.where(counts, np.maximum(scale, 1e-12), np.nan)
    units = np.where(window.is_known, bottom.y[bottom.group_ix], 0.0).sum(axis=1)
    total = np.where(counts, error.sum(axis=1), np.nan)
    return {
        "squared": (error**2).sum(axis=1) / np.maximum(known, 1) / over,
        "squared_sum": total**2 / over,
        "error": total,
        "absolute": np.abs(total),
        "units": np.where(counts, units, np.nan),
    }


def quantile_sums(window: Window, pairs: Pairs, learned: Calibration) -> dict[str, np.ndarray]:
    """As `mean_sums`: pinball losses over the series' scale, of days (their mean) and of the sum
    over the horizon, and whether the latter lies inside its 95% interval.
    """
    bottom = window.levels[-1]
    days = np.stack(list(series_quantiles(learned, pairs).values()), axis=2)
    loss = np.where(bottom.is_known, pinball(bottom.y, days), 0.0)
    means, horizon = pairs.y_hat[SERIES_LEVEL], bottom.y.shape[1]
    each = np.arange(len(means))
    whole = Spans(each, np.ones_like(each), np.full_like(each, horizon))
    of_sum = span_quantiles(learned, SERIES_LEVEL, means, whole, pairs.dispersion)
    total = np.where(bottom.is_known, bottom.y, 0.0).sum(axis=1)
    scale = np.where(bottom.absolute_scale > 0, bottom.absolute_scale, np.nan)
    known = np.maximum(bottom.is_known.sum(axis=1), 1)
    sums = {
        "pinball": loss.sum(axis=1) / known / scale,
        "pinball_sum": pinball(total, of_sum) / scale,
        "covered": np.where(
            np.isfinite(scale), (of_sum[:, LOW] <= total) & (total <= of_sum[:, HIGH]), np.nan
        ),
    }
    return {name: values[bottom.group_ix] for name, values in sums.items()}


def zero_pinball(window: Window) -> dict[str, np.ndarray]:
    """The pinball losses of a forecast of zero, as `quantile_sums`."""
    bottom = window.levels[-1]
    y = np.where(bottom.is_known, bottom.y, 0.0)
    scale = np.where(bottom.absolute_scale > 0, bottom.absolute_scale, np.nan)
    known = np.maximum(bottom.is_known.sum(axis=1), 1)
    share = float(TAUS.mean())
    sums = {"pinball": share * y.sum(axis=1) / known / scale}
    sums["pinball_sum"] = share * y.sum(axis=1) / scale
    return {name: values[bottom.group_ix] for name, values in sums.items()}


def pinball(y: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The mean loss over the nine quantiles, which are the last axis."""
    short = y[..., None] - quantiles
    loss: np.ndarray = np.maximum(TAUS * short, (TAUS - 1) * short).mean(axis=-1)
    return loss


def simple_means(history: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
    """Zero, means of recent days, and Croston's two heirs, each the same on all days ahead."""
    means = {
        ZERO: np.zeros(len(history)),
        "mean of 28": history[:, -28:].mean(axis=1),
        "mean of 56": history[:, -56:].mean(axis=1),
        **croston(history),
    }
    return {name: np.repeat(mean[:, None], horizon, axis=1) for name, mean in means.items()}


def croston(history: np.ndarray) -> dict[str, np.ndarray]:
    """statsforecast's SBA and TSB (both shares 0.1) from each first sale on."""
    from statsforecast.models import TSB, CrostonSBA

    models = {"SBA": CrostonSBA(), "TSB": TSB(0.1, 0.1)}
    found = {name: np.zeros(len(history)) for name in models}
    for k in np.flatnonzero((history > 0).any(axis=1)):
        units = history[k, np.argmax(history[k] > 0) :].astype(np.float32)
        for name, model in models.items():
            found[name][k] = model.forecast(units, 1)["mean"][0]
    return found
