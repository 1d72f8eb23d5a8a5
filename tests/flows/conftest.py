"""A small laboratory made by the doors: simulator, panel, model, backtest, forecasts, all published to a store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from contract.params import Params, load_params
from contract.places import Places


@dataclass(frozen=True)
class Laboratory:
    """Where it lies, and the params it was made with."""

    params_file: Path
    places: Places

    @property
    def params(self) -> Params:
        return load_params(self.params_file)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, root: Path) -> Laboratory:
    """Made once; do not write into it."""
    import evaluate
    import inference
    import ingest
    import train

    folder = tmp_path_factory.mktemp("laboratory")
    made = Laboratory(_small_params(root, folder), Places(folder / "data"))
    params, places, now = made.params, made.places, datetime(2024, 6, 1, 6)
    ingest.fill(params, places, now=now)
    ingest.freeze(params, places)
    ingest.check_panel(params, places)
    train.train(params, places)
    evaluate.evaluate(params, places)
    inference.infer_from_panel(params, places)
    inference.publish(params, places, now=now)
    return made


@pytest.fixture
def laboratory(finished: Laboratory, tmp_path: Path) -> Laboratory:
    """A copy to play with."""
    shutil.copytree(finished.places.root, tmp_path / "data")
    return Laboratory(finished.params_file, Places(tmp_path / "data"))


@pytest.fixture
def next_day(finished: Laboratory) -> Callable[[Laboratory, int], Path]:
    """`next_day(laboratory, k)`: the simulator's file of the k-th day after the panel's end, in the inbox."""

    def drop(laboratory: Laboratory, k: int) -> Path:
        from datetime import timedelta

        from sources.simulator.drop import write_day
        from sources.simulator.simulation import simulate

        simulation = simulate(laboratory.params.source.simulator)
        laboratory.places.inbox.mkdir(exist_ok=True)
        return write_day(simulation, simulation.last_day + timedelta(days=k), laboratory.places.inbox)

    return drop


def _small_params(root: Path, folder: Path) -> Path:
    yaml = YAML()
    raw = yaml.load((root / "params.yaml").read_text(encoding="utf-8"))
    raw["source"]["simulator"] |= {"series": 24, "days": 150, "daily_files": 2}
    raw["source"]["levels"] = [[], ["store_id"], ["dept_id"]]
    raw["features"] |= {"windows": [7, 28], "year_windows": [], "hierarchy": [["store_id"]]}
    small = {
        "horizon": 14,
        "blocks": [7, 14],
        "rounds": 15,
        "leaves": 8,
        "min_rows_in_leaf": 20,
        "max_rows": 5000,
        "threads": 1,
    }
    raw["train"] |= small
    raw["evaluate"] |= {"origins": 2, "step_days": 14, "refit_every": 2, "calibration_bins": 4}
    raw["evaluate"]["gate"] |= {"confidence": 0.51, "max_abs_bias": 1.0, "max_coverage_gap": 1.0, "resamples": 50}
    target = folder / "params.yaml"
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)
    return target
