"""The forecast of one origin, warm: features, boosters, quantiles, levels, for all series of a panel.

run     python -m benchmarks.serving DATA_FOLDER     (a data folder after `make repro`)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.measured import run_here
from contract.params_file import load_params
from forecasting.champion import candidate_champion
from forecasting.publication import publish_forecasts, publish_levels
from forecasting.seasonal_naive import baseline_of
from runtime.paths import Paths
from storage.panel_files import read_frozen

RUNS = 3


def main() -> None:
    """Load once, then forecast again and again."""
    params, places = load_params(Path("params.yaml")), Paths(Path(sys.argv[1]))
    panel, horizon = read_frozen(places.panel), params.train.horizon
    decision = places.scores / "decision.json"
    champion = candidate_champion(places.candidate, places.incumbent, places.backtest, decision)
    baseline = baseline_of(params)

    def work() -> dict[str, Any]:
        rows = publish_forecasts(
            panel, panel.last_day, horizon, champion.model, baseline, champion.calibrations, params.inference, "bench"
        )
        method = champion.method(baseline.name)
        levels = publish_levels(rows, panel.series, params.source.hierarchy, champion.calibrations[method])
        return {"series": panel.series.height, "rows": rows.height, "level_rows": levels.height}

    run_here(work, RUNS)


if __name__ == "__main__":
    main()
