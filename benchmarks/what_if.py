"""One series asked again and again while everything is warm: its features and the champion's answer for 28 days.

run     python -m benchmarks.what_if DATA_FOLDER     (a data folder after `make repro`, its params.yaml beside it)

What a planner's question costs once the panel is laid out: another price, another promotion. Without the group step, which needs all
series; `inference.py --series` gives the whole answer.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.measured import keep
from contract.params_file import load_params
from features.frame import feature_frame
from features.sampling import serving_rows
from forecasting.bundle import load_bundle
from runtime.paths import Paths
from storage.panel_files import read_frozen

ASKED, WARM = 500, 20


def main() -> None:
    """Lay out once, ask for series in turn, print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    places = Paths(parser.parse_args().data)
    params, panel = load_params(places.root.parent / "params.yaml"), read_frozen(places.panel)
    model = load_bundle(places.candidate)
    dense = model.feature_recipe.dense_panel(panel, params.train.horizon, model.vocabulary)
    booster, hs = model.boosters[max(model.boosters)], range(1, params.train.horizon + 1)
    milliseconds = []
    for series in np.random.default_rng(1).integers(0, panel.series.height, ASKED + WARM):
        started = time.perf_counter()
        booster.predict(feature_frame(dense, serving_rows(dense, hs, np.array([series]))).to_numpy(), num_threads=1)
        milliseconds.append(1000 * (time.perf_counter() - started))
    p50, p95, p99 = (round(float(q), 1) for q in np.quantile(milliseconds[WARM:], [0.5, 0.95, 0.99]))
    print(
        f"{panel.series.height:,} series laid out, {ASKED} asked: p50 {p50} ms, p95 {p95} ms, p99 {p99} ms (aimed at: p99 20)"
    )
    told = {
        "source": params.source.kind,
        "asked": ASKED,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
    }
    keep(f"what_if_{params.source.kind}", told)


if __name__ == "__main__":
    main()
