"""What a model would have made: nothing is written before it is there, so no power cut can meet its
making.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from deliveries import FIRST, SERIES

from runtime.paths import Paths

TABLE_DAYS = 7


def made_up(name: str) -> tuple[Any, Any, dict[str, Any]]:
    """Forecasts, level rows and lineage of a run."""
    import polars as pl

    from contract.quantiles import QUANTILES

    lineage = {
        "run_id": f"run-{name}",
        "door": "inference",
        "params_hash": "p",
        "panel_hash": "h",
        "model_id": name,
    }
    numbers = {"run_id": f"run-{name}", "origin": FIRST} | dict.fromkeys(
        ["y_hat", *QUANTILES], float(len(name))
    )
    days = [{"ds": FIRST + timedelta(days=h), "h": h} for h in range(1, TABLE_DAYS + 1)]
    rows = [
        {"unique_id": one, "method": "m"} | day | numbers for one, _, _ in SERIES for day in days
    ]
    levels = [{"level": "total", "group_key": "total"} | day | numbers for day in days]
    return (
        pl.DataFrame(rows).with_columns(reason=pl.lit(None, pl.String)),
        pl.DataFrame(levels),
        lineage,
    )


def made_up_spans(forecasts: Any, wanted: Any, *_: Any) -> Any:
    """DEMAND_SPANS of what is wanted: one unit a day."""
    import polars as pl

    from contract.frames import DEMAND_SPANS
    from contract.quantiles import QUANTILES

    one = {name: forecasts[name][0] for name in ("run_id", "origin")} | {"level": "series"}
    units = (pl.col("to_h") - pl.col("from_h") + 1).cast(pl.Float64)
    spans = wanted.with_columns(
        *(pl.lit(value).alias(name) for name, value in one.items()),
        *(units.alias(name) for name in ("mean", *QUANTILES)),
    )
    return DEMAND_SPANS.conform(spans)


def offline_result(name: str) -> Callable[[Paths], None]:
    """What train.py, evaluate.py and inference.py leave offline for `inference.py publish`."""

    def write(paths: Paths) -> None:
        for folder in (paths.forecasts, paths.scores, paths.candidate, paths.backtest):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        _write_tables(paths, name)
        _write_scores(paths, name)
        _write_bundle(paths, name)

    return write


def _write_tables(paths: Paths, name: str) -> None:
    forecasts, levels, lineage = made_up(name)
    forecasts.write_parquet(paths.forecasts / "forecasts.parquet")
    levels.write_parquet(paths.forecasts / "forecast_levels.parquet")
    _write_json(paths.forecasts / "run.json", lineage)


def _write_scores(paths: Paths, name: str) -> None:
    """Scores, the leaderboard and a decision that promotes."""
    import polars as pl

    from contract.frames import SCORES

    score = {"run_id": "?", "model": name, "cutoff": FIRST, "level": "total", "slice": "all"}
    scores = pl.DataFrame([score | {"metric": "wape", "value": 1.0}])
    SCORES.conform(scores).write_parquet(paths.scores / "scores.parquet")
    _write_json(paths.scores / "decision.json", {"promote": True, "reasons": []})
    metrics = ["wrmsse", "wspl", "wape", "bias", "coverage_95"]
    board = dict.fromkeys([*metrics, *(f"{metric}_spread" for metric in metrics)], 0.5)
    _write_json(paths.scores / "leaderboard.json", {"global_lightgbm": board})


def _write_bundle(paths: Paths, name: str) -> None:
    """The candidate and its calibration."""
    from contract.hashes import text_hash

    (paths.candidate / "block_07.txt").write_text(f"tree {name}\n" * 50)
    card = {
        "kind": "global_lightgbm",
        "panel_hash": name,
        "params_hash": "q",
        "cutoff": str(FIRST),
        "files": {},
    }
    _write_json(paths.backtest / "calibration.json", {"of": text_hash(name)})
    _write_json(paths.candidate / "card.json", _with_id(card))


def _with_id(card: dict[str, Any]) -> dict[str, Any]:
    from forecasting.bundle import _model_id

    return card | {"model_id": _model_id(card)}


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
