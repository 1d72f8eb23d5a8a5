"""Whether the quantiles of several days' demand keep their word: by level, length and velocity,
with closed days and promotions inside, beside daily quantiles summed.

At each cutoff learned from the windows that had closed by then, `evaluate.origins` of them at most;
a cutoff that has none is left out. Spans of one length do not overlap. 4, 9 and 17 days are no
lengths that are learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from benchmarks.accuracy.calibration import backtest_of, judged_cutoffs, world_of
from benchmarks.harness.params import params_for
from benchmarks.harness.registry import Benchmark, Context, Option, Result
from benchmarks.render.markdown import markdown_table
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import QUANTILES
from forecasting.intervals import TAUS, Calibration
from forecasting.pairs import calibrate, of_groups
from forecasting.pit import parts_below
from forecasting.slices import FAST_UNITS, SLOW_UNITS
from forecasting.span_learning import LEAST_KNOWN, with_spans
from forecasting.spans import Spans, span_quantiles
from forecasting.window import LevelWindow, Window

LENGTHS = (1, 2, 4, 7, 9, 14, 17, 28)
SHOWN, SHOWN_LEVELS = (
    ("q835", "q975"),
    ("total", "store_id", "store_id*dept_id", "item_id", "series"),
)
OURS, SUMMED = "spans", "days summed"


def measure(context: Context) -> Result:
    """The parts of the source's backtest, cells of all cutoffs pooled, beside other sources'."""
    params = params_for(context.source)
    rows = pl.DataFrame(list(scored_spans(context.panel, backtest_of(context, params), params)))
    keys = ["level", "part", "length", "side"]
    weighted = (pl.col(f"below_{name}").dot("cells") / pl.col("cells").sum() for name in QUANTILES)
    pinball = pl.col("pinball").dot("cells") / pl.col("cells").sum()
    means = rows.group_by(keys, maintain_order=True).agg(
        *(one.round(4) for one in weighted), pinball.round(4), pl.col("cells").sum()
    )
    cutoffs = rows["cutoff"].unique().sort().to_list()
    made = {"on": str(date.today()), **world_of(context.source, params)}
    return context.before() | {
        context.source: {**made, "cutoffs": cutoffs, "parts": means.to_dicts()}
    }


def scored_spans(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[Result]:
    """One row per cutoff, level, part, length and side."""
    horizon, bins = int(backtest["h"].max()), params.evaluate.calibration_bins
    for judged in judged_cutoffs(panel, backtest, params):
        learned_from, made = judged.learned_from, {"cutoff": str(judged.cutoff)}
        spans = with_spans(calibrate(learned_from, bins), learned_from, bins)
        for level in judged.window.levels:
            for length in (one for one in LENGTHS if one <= horizon):
                for row in _of_length(judged.window, level, spans, judged.y_hat, length):
                    yield {**made, "level": level.level, "length": length, **row}


def _of_length(
    window: Window, level: LevelWindow, learned: Calibration, y_hat: np.ndarray, length: int
) -> Iterator[Result]:
    """The spans of one length on one level: all of them, and of series their parts."""
    means, own = level.sums(y_hat), of_groups(window, level)
    starts = np.arange(0, means.shape[1] - length + 1, length)
    row, start = (part.ravel() for part in np.meshgrid(np.arange(len(means)), starts))
    spans = Spans(row, start + 1, start + length)
    known = spans.sums(level.is_known.astype(float)) / length
    kept = known >= LEAST_KNOWN
    spans, known = spans.where(kept), known[kept]
    y = spans.sums(level.y)
    ours = span_quantiles(learned, level.level, means, spans, own)
    sides = {OURS: ours}
    if level.level == SERIES_LEVEL:
        sides[SUMMED] = _summed(learned, level.level, means, spans, own)
    parts = _parts(spans.sums(means) / length, known, level.level == SERIES_LEVEL)
    for side, quantiles in sides.items():
        for part, mask in parts.items():
            if mask.any():
                yield {"part": part, "side": side, **_word(y[mask], quantiles[mask])}


def _summed(
    learned: Calibration,
    level: str,
    means: np.ndarray,
    spans: Spans,
    own: np.ndarray | None,
) -> np.ndarray:
    h = np.tile(np.arange(1, means.shape[1] + 1), len(means))
    of_rows = None if own is None else np.repeat(own, means.shape[1])
    days = learned.quantiles(level, means.ravel(), h, of_rows).reshape(*means.shape, -1)
    return np.column_stack([spans.sums(days[:, :, k]) for k in range(len(TAUS))])


def _parts(daily: np.ndarray, known: np.ndarray, is_series: bool) -> dict[str, np.ndarray]:
    """All spans; of series by the mean day forecast, and those with a day that does not count."""
    parts = {"all": np.ones(len(daily), dtype=bool)}
    if is_series:
        parts |= {
            "slow": daily < SLOW_UNITS,
            "medium": (daily >= SLOW_UNITS) & (daily < FAST_UNITS),
            "fast": daily >= FAST_UNITS,
            "a day closed or sold out": known < 1,
        }
    return parts


def _word(y: np.ndarray, quantiles: np.ndarray) -> Result:
    """Shares below each quantile, zeros spread over what they span, and the mean pinball loss."""
    below = [part.mean() for part in parts_below(y, quantiles.T, TAUS)]
    error = y[:, None] - quantiles
    pinball = np.maximum(TAUS * error, (TAUS - 1) * error).mean()
    shares = {f"below_{name}": float(b) for name, b in zip(QUANTILES, below, strict=True)}
    return {"cells": len(y), "pinball": float(pinball), **shares}


def table(result: Result) -> str:
    """Of each source the shares of actuals below two quantiles, a row a part, a column a length;
    some of the levels.
    """
    head = ["data", "level", "side", *(f"{length} d" for length in LENGTHS)]
    rows = []
    for source, of_source in result.items():
        cells: dict[tuple[str, str], dict[int, str]] = {}
        for part in of_source["parts"]:
            if part["level"] not in SHOWN_LEVELS:
                continue
            is_whole = part["part"] == "all"
            name = part["level"] if is_whole else f"{part['level']}: {part['part']}"
            shares = " ".join(f"{100 * part[f'below_{q}']:.1f}" for q in SHOWN)
            cells.setdefault((name, part["side"]), {})[part["length"]] = shares
        rows += [
            [source, *key, *(of_lengths.get(length, "") for length in LENGTHS)]
            for key, of_lengths in cells.items()
        ]
    return markdown_table(head, rows)


BENCHMARK = Benchmark(
    question="Do the quantiles of several days' demand keep their word?",
    needs="a data folder after make repro; minutes on M5",
    measure=measure,
    options=(Option("cutoffs", "backtest so many cutoffs anew; 0: read the finished one", 0, int),),
    table=table,
)
