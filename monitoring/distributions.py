"""What has no signal of its own: each covariate a retailer declares, and how units are spread over series.

Four questions of a covariate, a number a day each: do its values lie where those of the same weeks a year before lay, are they within
what an earlier year held, do they repeat the day before, are they there. Distance: Kolmogorov (1933) and Smirnov (1948).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import polars as pl

from contract.days import YEAR
from contract.panel import Panel
from features.dense import Days, locate
from monitoring.finding import Finding
from monitoring.input_signals import Arrived
from monitoring.signal import WHOLE, Signal

WINDOW_DAYS = 28  # around the same day a year before
PLANNED_DAYS = (
    14  # ahead of a day that what is known ahead is read: half of the shortest plan a model of four weeks takes
)
MOST_SERIES = 2_000  # evenly from all: a share of a million values is no truer than one of two thousand
BINS = 64  # of the first year's values; the distance is read at their edges
MARGIN = 0.1  # of the range of a year: a record summer is no new unit
SMALLEST_DISTANCE, SMALLEST_SHARE = 0.05, 0.005
COVARIATES = "covariates"
QUESTIONS = ("moved", "unseen", "repeated", "missing")
_ASK = (
    "Ask who sends it whether unit, source or meaning changed; forecasts made from it are wrong until it is put right."
)


def distribution_signals(
    seen: Arrived, panel: Panel, known_future: Sequence[str], past_only: Sequence[str]
) -> list[Signal]:
    """drift:units, and four signals drift:covariates:<name>:<question> of each declared covariate the panel holds."""
    some = np.unique(np.linspace(0, len(seen.y) - 1, MOST_SERIES).astype(int))
    signals = [_units(seen, yearly_distance(seen.y[some]))]
    for name, ahead in [*((name, PLANNED_DAYS) for name in known_future), *((name, 0) for name in past_only)]:
        table = _table(seen, panel, some, name, ahead)
        if np.isfinite(table).any():
            signals += _covariate(seen, name, table, ahead, seen.y[some])
    return signals


def one_for_each_covariate(findings: list[Finding]) -> list[Finding]:
    """The findings, those of one covariate told by the loudest under its name alone: one feed, one alert."""
    told = []
    for name, of_name in [(name, list(group)) for name, group in groupby(findings, _covariate_of)]:
        told += of_name if name is None else [replace(max(of_name, key=_loudness), slice=f"{COVARIATES}:{name}")]
    return told


def yearly_distance(table: np.ndarray, ahead: int = 0) -> np.ndarray:
    """(days,) how far the day `ahead` of each day lies from the WINDOW_DAYS around the same day 52 weeks before; NaN where unknown.

    `table` (series, days + ahead), NaN unknown. -ln(1 - D), D the distance of the distributions: 0 the same, 3.3 (the most) nothing
    in common. Between them the logarithm tells a value never seen from one that is merely rare, where all series share one value.
    """
    counts = _histograms(table)
    summed = np.concatenate([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0)])
    day = np.arange(YEAR, table.shape[1])
    around = summed[day - YEAR + WINDOW_DAYS // 2] - summed[np.maximum(day - YEAR - WINDOW_DAYS // 2, 0)]
    with np.errstate(invalid="ignore"):
        apart = np.abs(_cumulative(counts[YEAR:]) - _cumulative(around)).max(axis=1)
    distance = np.full(table.shape[1], np.nan)
    distance[YEAR:] = -np.log(np.maximum(1 - apart, 1 / WINDOW_DAYS))
    return distance[ahead:]


def share_unseen(table: np.ndarray, ahead: int = 0) -> np.ndarray:
    """(days,) share of the values of the day `ahead` of each day beyond the first year's range and a margin; NaN in that year."""
    values, begins = _of_first_year(table)
    if not values.size:
        return np.full(table.shape[1] - ahead, np.nan)
    middle, reach = (values.max() + values.min()) / 2, (0.5 + MARGIN) * np.ptp(values)
    share = _share(np.abs(table - middle) > reach, np.isfinite(table))
    share[: begins + YEAR] = np.nan
    return share[ahead:]


def share_repeated(table: np.ndarray, ahead: int = 0) -> np.ndarray:
    """(days,) share of the values of the day `ahead` of each day that are those of the day before it: a feed that stands still."""
    known = np.isfinite(table[:, 1:]) & np.isfinite(table[:, :-1])
    return np.concatenate([[np.nan], _share(table[:, 1:] == table[:, :-1], known)])[ahead:]


def share_missing(table: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(days,) share of what sold without a value: a series that ended needs none."""
    return _share(np.isnan(table[:, : y.shape[1]]), y > 0)


def _share(hit: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(days,) of `of` the share that is `hit`; NaN on days without any."""
    count = of.sum(axis=0)
    return np.where(count > 0, (hit & of).sum(axis=0) / np.maximum(count, 1), np.nan)


def _cumulative(counts: np.ndarray) -> np.ndarray:
    return np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)


def _histograms(table: np.ndarray) -> np.ndarray:
    """(days, bins) how many series lie in each bin; the bins are equally filled by the first year."""
    known, values = np.isfinite(table), _of_first_year(table)[0]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1), method="lower")) if values.size else np.zeros(1)
    day = np.broadcast_to(np.arange(table.shape[1]), table.shape)[known]
    cells = day * (len(edges) + 1) + np.searchsorted(edges, table[known])
    return np.bincount(cells, minlength=table.shape[1] * (len(edges) + 1)).reshape(table.shape[1], -1)


def _of_first_year(table: np.ndarray) -> tuple[np.ndarray, int]:
    """The values of the first year of which anything is known, and its first day: no later day decides what is usual."""
    begins = int(np.isfinite(table).any(axis=0).argmax())
    first_year = table[:, begins : begins + YEAR]
    return first_year[np.isfinite(first_year)], begins


def _table(seen: Arrived, panel: Panel, some: np.ndarray, name: str, ahead: int) -> np.ndarray:
    """(series, days + ahead) of a covariate."""
    days = Days(seen.first, seen.y.shape[1], ahead, gutter=0)
    series = seen.series[some]
    rows = panel.covariates.filter(pl.col("name") == name, pl.col("unique_id").is_in(series["unique_id"].implode()))
    return days.scatter(locate(rows, series, days), series.height, "value")


def _covariate_of(finding: Finding) -> str | None:
    """The name of the covariate a finding is about; None for any other finding."""
    is_ours = finding.watcher == "drift" and finding.slice.startswith(f"{COVARIATES}:")
    return finding.slice.split(":")[1] if is_ours else None


def _loudness(finding: Finding) -> tuple[bool, float]:
    is_silent = finding.value is None or not finding.threshold
    return finding.severity != "ok" and finding.is_judged, -1.0 if is_silent else finding.value / finding.threshold


def _units(seen: Arrived, distance: np.ndarray) -> Signal:
    return Signal(
        "drift", "units", seen.first, (WHOLE,), distance[None], SMALLEST_DISTANCE,
        "units of a series and day lie {now:.2f} from those of the same weeks a year before: 0 is the same, 3 nothing in common "
        "(usually {usual:.2f} ± {spread:.2f})",
        "Look which shop, department or pack size sells in other amounts; half a feed and other units look the same.", "up",
    )  # fmt: skip


def _covariate(seen: Arrived, name: str, table: np.ndarray, ahead: int, y: np.ndarray) -> list[Signal]:
    usually = "(usually {usual:.1%} ± {spread:.1%})"
    values_of = f"the values of '{name}'" + (f" planned {ahead} days ahead" if ahead else "")
    moved = (
        f"{values_of} lie {{now:.1f}} from those of the same weeks a year before: 0 is the same, 3 nothing in common "
        "(usually {usual:.1f} ± {spread:.1f})"
    )  # fmt: skip
    asked = [
        (yearly_distance(table, ahead), SMALLEST_DISTANCE, moved),
        (share_unseen(table, ahead), SMALLEST_SHARE, f"{{now:.1%}} of {values_of} lie beyond any earlier year's {usually}"),
        (share_repeated(table, ahead), SMALLEST_SHARE, f"{{now:.1%}} of {values_of} repeat the day before {usually}"),
        (share_missing(table, y), SMALLEST_SHARE, f"{{now:.1%}} of what sold has no value of '{name}' {usually}"),
    ]  # fmt: skip
    return [
        Signal(
            "drift", f"{COVARIATES}:{name}:{question}", seen.first, (WHOLE,), values[None], least, saying, _ASK, "up"
        )
        for question, (values, least, saying) in zip(QUESTIONS, asked, strict=True)
    ]
