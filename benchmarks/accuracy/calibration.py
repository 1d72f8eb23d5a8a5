"""Whether quantiles keep their word before and after calibration: by level, week ahead, velocity,
lifecycle and dispersion, from a backtest.

Before: a Poisson around the mean forecast, what one takes without a backtest; a group is a sum of
independent series. After: the quantiles `evaluate.py` learns, at each cutoff from the windows that
had closed by then, `evaluate.origins` of them at most; a cutoff that has none is left out. Beside
them at the level of series a negative binomial, its size fitted to the series' own past by moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import backtested, history_of, window_of
from benchmarks.harness.registry import Benchmark, Context, Option, Result
from benchmarks.render.markdown import markdown_table
from contract.levels import SERIES_LEVEL, TOTAL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import INTERVALS, QUANTILES
from forecasting.backtest import cutoffs_of
from forecasting.contenders import CANDIDATE, contenders
from forecasting.dispersion import DISPERSION_DAYS
from forecasting.forecaster import BASELINE
from forecasting.metrics import quantile_scores
from forecasting.pairs import Pairs, calibrate, of_groups, pairs_of
from forecasting.pit import pit_scores
from forecasting.scoring import level_quantiles, series_quantiles
from forecasting.slices import slices_of
from forecasting.window import LevelWindow, Window

MODEL = CANDIDATE
SHOWN_LEVELS = {
    "total": "total",
    "store_id": "store",
    "store_id*dept_id": "store-department",
    "item_id": "item",
    "series": "series",
}
Quantiles = dict[str, np.ndarray]


@dataclass(frozen=True)
class JudgedCutoff:
    """A cutoff, what was forecast of its window, and what had closed by then to learn from."""

    cutoff: date
    window: Window
    history: np.ndarray  # (series, days) sold up to the cutoff
    y_hat: np.ndarray
    pairs: Pairs
    learned_from: list[Pairs]


def measure(context: Context) -> Result:
    """The parts of the source's backtest, mean over cutoffs, beside those of other sources."""
    params = params_for(context.source)
    backtest = backtest_of(context, params)
    rows = pl.DataFrame(list(scored_parts(context.panel, backtest, params)))
    keys = ["kind", "level", "part", "side"]
    scores = pl.col("^(coverage|below)_.*|pit_gap|wspl|mean_inside_50$")
    by_part = rows.group_by(keys, maintain_order=True)
    means = by_part.agg(pl.col("cells").sum(), scores.mean().round(4)).to_dicts()
    cutoffs = rows["cutoff"].unique().sort().to_list()
    made = {"on": str(date.today()), **world_of(context.source, params)}
    return context.before() | {context.source: {**made, "cutoffs": cutoffs, "parts": means}}


def world_of(source: str, params: Params) -> Result:
    return {"world": params.source.simulator.world} if source == "simulator" else {}


def table(result: Result) -> str:
    """The share of outcomes below each quantile, by level, after calibration; of M5 where it is
    there.
    """
    parts = result.get("m5", next(iter(result.values())))["parts"]
    after = {p["level"]: p for p in parts if p["kind"] == "level" and p["side"] == "after"}
    rows = [
        [words, *(f"{100 * after[level][f'below_{name}']:.1f}" for name in QUANTILES)]
        for level, words in SHOWN_LEVELS.items()
        if level in after
    ]
    head = ["level", *(f"{100 * probability:g}%" for probability in QUANTILES.values())]
    return markdown_table(head, rows)


def backtest_of(context: Context, params: Params) -> pl.DataFrame:
    """The finished backtest, or one of the given number of cutoffs, refitted as in it."""
    if not context.options.cutoffs:
        return pl.read_parquet(context.paths.backtest / "forecasts.parquet")
    panel, evaluate = context.panel, params.evaluate
    more = evaluate.model_copy(update={"origins": context.options.cutoffs})
    sides = {name: contenders(params, panel, None)[name] for name in (BASELINE, MODEL)}
    cutoffs = cutoffs_of(panel, more, params.train.horizon)
    return backtested(params, panel, sides, cutoffs, params.train.horizon, evaluate.refit_every)


def scored_parts(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[Result]:
    """One row per cutoff, level, part and side."""
    for judged in judged_cutoffs(panel, backtest, params):
        window = judged.window
        calibration = calibrate(judged.learned_from, params.evaluate.calibration_bins)
        for level in window.levels:
            sums = level.sums(judged.y_hat)
            own = of_groups(window, level)
            after = (
                level_quantiles(calibration, level.level, sums)
                if own is None
                else series_quantiles(calibration, judged.pairs)
            )
            sides = {"before": poisson(sums), "after": after}
            if own is not None:
                sides["negative binomial"] = negative_binomial(sums, judged.history, level)
            for row in _rows_of(window, level, sums, sides):
                yield {"cutoff": str(judged.cutoff), **row}


def judged_cutoffs(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[JudgedCutoff]:
    """The cutoffs of a backtest before which windows had closed, oldest first."""
    horizon, earlier = int(backtest["h"].max()), list[tuple[date, Pairs]]()
    for (cutoff,), forecasts in backtest.sort("cutoff").group_by("cutoff", maintain_order=True):
        window = window_of(params, panel, cutoff, horizon)
        y_hat = window.matrix(forecasts, MODEL)
        pairs = pairs_of(window, y_hat)
        closed = [of for day, of in earlier if day + timedelta(days=horizon) <= cutoff]
        earlier.append((cutoff, pairs))
        if closed:
            learned_from = closed[-params.evaluate.origins :]
            history = history_of(params, panel, cutoff)
            yield JudgedCutoff(cutoff, window, history, y_hat, pairs, learned_from)


def poisson(means: np.ndarray) -> Quantiles:
    """The nine quantiles of Poissons with these means."""
    return {name: stats.poisson.ppf(tau, means) for name, tau in QUANTILES.items()}


def negative_binomial(means: np.ndarray, history: np.ndarray, level: LevelWindow) -> Quantiles:
    """The nine quantiles around these means, as over-dispersed as each series' past was."""
    past, excess = history[:, -DISPERSION_DAYS:], np.zeros(len(means))
    mean, variance = past.mean(axis=1), past.var(axis=1, ddof=1)
    excess[level.group_ix] = np.maximum(variance - mean, 0) / np.maximum(mean, 1e-9) ** 2
    size = 1 / np.clip(excess, 1e-6, 50)[:, None]
    chance, open_ = size / (size + np.maximum(means, 1e-9)), np.ones(means.shape, dtype=bool)
    quantiles = np.zeros((len(QUANTILES), *means.shape))
    taus, units = np.array(list(QUANTILES.values()))[:, None], 0
    sizes = np.broadcast_to(size, means.shape)
    while open_.any():
        below = stats.nbinom.cdf(units, sizes[open_], chance[open_])
        quantiles[:, open_] += below < taus
        open_[open_] = below < taus.max()
        units += 1
    return dict(zip(QUANTILES, quantiles, strict=True))


def parts_of(window: Window, level: LevelWindow) -> Iterator[tuple[str, str, np.ndarray]]:
    """(kind, part, (groups, horizon) mask): the level as a whole; weeks of the top and of the
    series; classes of series; the fast ones by thirds of their dispersion.
    """
    yield "level", level.level, np.ones(level.y.shape, dtype=bool)
    if level.level not in (TOTAL, SERIES_LEVEL):
        return
    is_series = level.level == SERIES_LEVEL
    kinds = window.of_series.kinds if is_series else {TOTAL: np.array([TOTAL])}
    for name, by_series in slices_of(kinds, level.y.shape[1]).items():
        kind, part = name.split("_", 1)
        if kind == "week" or is_series:
            mask = np.zeros(level.y.shape, dtype=bool)
            mask[level.group_ix if is_series else 0] = by_series
            yield kind, part, mask
            if part == "fast":
                yield from _thirds(mask, window.of_series.dispersion[np.argsort(level.group_ix)])


def _thirds(fast: np.ndarray, dispersion: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """The fast series' cells in thirds, from the calmest to the most dispersed."""
    rows = np.flatnonzero(fast.any(axis=1))
    ordered = rows[np.argsort(dispersion[rows], kind="stable")]
    names = ("calm", "middle", "dispersed")
    for name, third in zip(names, np.array_split(ordered, 3), strict=True):
        mask = np.zeros(fast.shape, dtype=bool)
        mask[third] = True
        yield "dispersion", f"fast, {name}", mask


def coverage_of(y: np.ndarray, quantiles: Quantiles, mask: np.ndarray) -> dict[str, float]:
    """How many cells, the coverage of the central intervals, the share below each quantile and the
    largest PIT gap.
    """
    covered = {
        f"coverage_{round(nominal * 100)}": float(
            ((quantiles[low] <= y) & (y <= quantiles[high]))[mask].mean()
        )
        for nominal, (low, high) in INTERVALS.items()
        if mask.any()
    }
    return {"cells": int(mask.sum())} | covered | pit_scores(y, quantiles, mask)


def _rows_of(
    window: Window, level: LevelWindow, means: np.ndarray, sides: dict[str, Quantiles]
) -> Iterator[Result]:
    for side, quantiles in sides.items():
        inside = (quantiles["q250"] <= means) & (means <= quantiles["q750"])
        wspl = quantile_scores(level, quantiles)["wspl"]
        for kind, part, mask in parts_of(window, level):
            known = mask & level.is_known
            row = {"kind": kind, "level": level.level, "part": part, "side": side}
            whole = {"wspl": wspl} if kind == "level" else {}
            middle = {"mean_inside_50": float(inside[known].mean())} if known.any() else {}
            yield row | coverage_of(level.y, quantiles, known) | middle | whole


BENCHMARK = Benchmark(
    question="Do the quantiles keep their word, by level, week, velocity and lifecycle?",
    needs="a data folder after make repro; minutes on M5",
    measure=measure,
    options=(Option("cutoffs", "backtest so many cutoffs anew; 0: read the finished one", 0, int),),
    table=table,
)
