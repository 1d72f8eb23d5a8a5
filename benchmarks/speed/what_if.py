"""One series forecast again and again while everything is warm: its features and the champion's 28
days.

What a planner's question costs once the dense panel is built: another price, another promotion.
Without the group step, which needs all series; `inference.py --series` gives the whole result.
Aimed at: p99 20 ms.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.harness.process import seconds_of
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from features.frame import feature_frame
from features.sampling import serving_rows
from forecasting.bundle import load_bundle

QUESTIONS, WARM = 500, 20


def measure(context: Context) -> Result:
    """Build the dense panel once, forecast series in turn: the percentiles."""
    panel, model = context.panel, load_bundle(context.paths.candidate)
    horizon = context.params.train.horizon
    dense = model.feature_recipe.dense_panel(panel, horizon, model.vocabulary)
    booster = model.boosters[max(model.boosters)]

    def forecast(series: int) -> None:
        rows = serving_rows(dense, range(1, horizon + 1), np.array([series]))
        booster.predict(feature_frame(dense, rows).to_numpy(), num_threads=1)

    drawn = np.random.default_rng(1).integers(0, panel.series.height, QUESTIONS + WARM)
    milliseconds = [1000 * seconds_of(partial(forecast, series)) for series in drawn]
    p50, p95, p99 = (
        round(float(q), 1) for q in np.quantile(milliseconds[WARM:], [0.5, 0.95, 0.99])
    )
    percentiles = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
    return {"source": context.source, "questions": QUESTIONS, **percentiles}


BENCHMARK = Benchmark(
    question="How long does one series take, with another price or promotion, while all is warm?",
    needs="a data folder after make repro; seconds",
    measure=measure,
    by_source=True,
)
