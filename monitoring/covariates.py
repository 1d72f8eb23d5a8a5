"""Signals of the covariates a retailer declares, of which nothing is known but their numbers.

Four questions, a number a day each: do the values lie where those of the same weeks a year before
lay, are they within what an earlier year held, do they repeat the day before, are they there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

import numpy as np
import polars as pl

from contract.panel import Panel
from contract.sums import gathered
from contract.whole import Arrays
from features.dense import Days, locate
from monitoring.distributions import share_missing, share_repeated, share_unseen, yearly_distance
from monitoring.finding import Finding
from monitoring.input_signals import SMALLEST_DISTANCE
from monitoring.signal import WHOLE, Signal
from monitoring.what_arrived import Arrived, sampled

QUESTIONS = ("moved", "unseen", "repeated", "missing")
# how far ahead of a day a plan is read: the shortest one that a model of four weeks takes
PLANNED_DAYS = 14
SMALLEST_SHARE = 0.005
_SLICE = "covariates"
_ADVICE = (
    "Ask who sends it whether unit, source or meaning changed; "
    "forecasts made from it are wrong until it is put right."
)


def covariate_signals(
    seen: Arrived, panel: Panel, known_future: Sequence[str], past_only: Sequence[str]
) -> list[Signal]:
    """drift:covariates:<name>:<question> of each declared covariate the panel holds."""
    makers = covariate_makers(seen, panel, known_future, past_only)
    return [signal for make in makers for signal in make()]


def covariate_makers(
    seen: Arrived, panel: Panel, known_future: Sequence[str], past_only: Sequence[str]
) -> list[Callable[[], list[Signal]]]:
    """What makes the signals of each declared covariate; none of one the panel does not hold."""
    declared = [(name, PLANNED_DAYS) for name in known_future] + [(name, 0) for name in past_only]
    return [partial(_of_covariate, seen, panel, name, ahead) for name, ahead in declared]


def _of_covariate(seen: Arrived, panel: Panel, name: str, ahead: int) -> list[Signal]:
    some, of = sampled(seen), f"covariate {ahead} {name}"
    made = partial(_tables, seen, panel, some, name, ahead)
    names = seen.series["unique_id"].gather(some)
    rows = gathered(seen.whole, of, names, seen.whole.kept(of, made))
    is_known = np.isfinite(rows["table"]).any()
    return _signals_of(seen, name, rows["table"], ahead, rows["y"]) if is_known else []


def one_for_each_covariate(findings: list[Finding]) -> list[Finding]:
    """The findings, of each covariate the loudest alone, under its name: one feed, one alert."""
    kept: list[Finding] = []
    for name, group in groupby(findings, _covariate_of):
        if name is None:
            kept += group
        else:
            kept.append(replace(max(group, key=_loudness), slice=f"{_SLICE}:{name}"))
    return kept


def _tables(seen: Arrived, panel: Panel, some: np.ndarray, name: str, ahead: int) -> Arrays:
    """Of some series: `table` (series, days + ahead) of a covariate, and their units, `y`."""
    days = Days(seen.first, seen.y.shape[1], ahead, padding=0)
    series = seen.series[some]
    rows = panel.covariates.filter(
        pl.col("name") == name, pl.col("unique_id").is_in(series["unique_id"].implode())
    )
    table = days.scatter(locate(rows, series, days), series.height, "value")
    return {"table": table, "y": seen.y[some]}


def _covariate_of(finding: Finding) -> str | None:
    """The name of the covariate a finding is about; None for any other finding."""
    is_ours = finding.watcher == "drift" and finding.slice.startswith(f"{_SLICE}:")
    return finding.slice.removeprefix(f"{_SLICE}:").rpartition(":")[0] if is_ours else None


def _loudness(finding: Finding) -> tuple[bool, float]:
    if finding.value is None or not finding.threshold:
        return False, -1.0
    return finding.severity != "ok", finding.value / finding.threshold


def _signals_of(
    seen: Arrived, name: str, table: np.ndarray, ahead: int, y: np.ndarray
) -> list[Signal]:
    """One signal for each of QUESTIONS."""
    usually = "(usually {usual:.1%} ± {spread:.1%})"
    values_of = f"the values of '{name}'" + (f" planned {ahead} days ahead" if ahead else "")
    moved = (
        f"{values_of} lie {{now:.1f}} from those of the same weeks a year before: "
        "0 is the same, 3 nothing in common (usually {usual:.1f} ± {spread:.1f})"
    )
    unseen = f"{{now:.1%}} of {values_of} lie beyond any earlier year's {usually}"
    repeated = f"{{now:.1%}} of {values_of} repeat the day before {usually}"
    missing = f"{{now:.1%}} of what sold has no value of '{name}' {usually}"
    measured = [
        (yearly_distance(table, ahead), SMALLEST_DISTANCE, moved),
        (share_unseen(table, ahead), SMALLEST_SHARE, unseen),
        (share_repeated(table, ahead), SMALLEST_SHARE, repeated),
        (share_missing(table, y), SMALLEST_SHARE, missing),
    ]
    return [
        Signal(
            watcher="drift",
            slice=f"{_SLICE}:{name}:{question}",
            first=seen.first,
            whole=seen.whole,
            groups=(WHOLE,),
            values=values[None],
            smallest_spread=smallest,
            sentence=sentence,
            advice=_ADVICE,
            sides="up",
        )
        for question, (values, smallest, sentence) in zip(QUESTIONS, measured, strict=True)
    ]
