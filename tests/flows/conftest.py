"""A small shop made by entry points and stages: simulator, panel, model, backtest, forecasts, all
published to a store.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from contract.params import Params
from contract.params_file import load_params
from contract.question import NEWEST
from runtime.paths import Paths
from stages.fill import fill
from stages.forecast_panel import forecast_panel
from stages.freeze import check_panel, freeze
from stages.publish import publish


@dataclass(frozen=True)
class Shop:
    """Where it lies, and the params it was made with."""

    params_file: Path
    paths: Paths

    @property
    def params(self) -> Params:
        return load_params(self.params_file)

    @property
    def options(self) -> list[str]:
        """What points an entry point here."""
        return ["--params", str(self.params_file), "--data", str(self.paths.root)]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, root: Path) -> Shop:
    """Made once; do not write into it."""
    import evaluate
    import train

    folder = tmp_path_factory.mktemp("shop")
    made = Shop(_small_params(root, folder), Paths(folder / "data"))
    params, paths, now = made.params, made.paths, datetime(2024, 6, 1, 6)
    fill(params, paths, now=now)
    freeze(params, paths)
    check_panel(params, paths)
    train.train(params, paths)
    evaluate.evaluate(params, paths)
    forecast_panel(params, paths, NEWEST)
    publish(params, paths, now=now)
    return made


@pytest.fixture
def shop(finished: Shop, tmp_path: Path) -> Shop:
    """A copy to play with."""
    shutil.copytree(finished.paths.root, tmp_path / "data")
    return Shop(finished.params_file, Paths(tmp_path / "data"))


@pytest.fixture(scope="session")
def next_day(finished: Shop) -> Callable[[Shop, int], Path]:
    """`next_day(shop, k)`: the simulator's file of the k-th day after the panel's end, in the
    inbox.
    """

    def drop(shop: Shop, k: int) -> Path:
        from datetime import timedelta

        from sources.simulator.drop import write_day
        from sources.simulator.simulation import simulate

        simulation = simulate(shop.params.source.simulator)
        shop.paths.inbox.mkdir(exist_ok=True)
        return write_day(simulation, simulation.last_day + timedelta(days=k), shop.paths.inbox)

    return drop


@pytest.fixture
def newcomer(shop: Shop, next_day: Callable[[Shop, int], Path]) -> str:
    """A series that came after the shop's table."""
    import ingest

    path = next_day(shop, 1)
    head, first, *others = path.read_text(encoding="utf-8").splitlines()
    new = first.replace("FOODS_1_0001", "NEW")
    path.write_text("\n".join([head, first, new, *others]), encoding="utf-8")
    ingest.ingest(shop.params, shop.paths, now=datetime(2024, 6, 1, 7))
    return "NEW_CA_1"


@dataclass(frozen=True)
class Checkout:
    """The code under git and DVC, in a folder of its own: what the tests of versions type."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str) -> str:
        """What the command printed; the test fails with its last words when it did."""
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMP_WAIT_POLICY": "passive",
        }
        names = {
            f"GIT_{who}_{what}": "a@b.example"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        whole = {**os.environ, **own, **names, **self.environment}
        done = subprocess.run(  # noqa: S603 -- our own commands
            command, cwd=self.folder, env=whole, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def tagged(self, tag: str) -> dict[str, str]:
        """Commit and tag what DVC pinned, push the bytes; what the checkout holds."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", tag)
        self.run("git", "tag", tag)
        self.dvc("push", "-q")
        return self.held()

    def held(self) -> dict[str, str]:
        """Which model, panel and scores lie there."""
        data = self.folder / "data"
        card = json.loads((data / "models/candidate/card.json").read_text())
        panel = json.loads((data / "panel/panel.json").read_text())
        board = json.loads((data / "scores/leaderboard.json").read_text())
        return {
            "model": card["model_id"],
            "cutoff": card["cutoff"],
            "last_day": panel["last_day"],
            "board": json.dumps(board),
        }

    def cloned(self, into: Path) -> Checkout:
        """A fresh clone: what git holds, no byte of what DVC holds."""
        self.run("git", "clone", "-q", str(self.folder), str(into))
        return Checkout(into, self.environment)


@pytest.fixture
def checkout(root: Path, tmp_path: Path, finished: Shop) -> Checkout:
    """The code as it stands, with the small shop's params, under git and dvc; no remote yet."""
    here = Checkout(tmp_path / "checkout")
    here.folder.mkdir()
    for name in filter(None, Checkout(root).run("git", "ls-files", "-z").split("\0")):
        if (
            not name.startswith((".dvc", "dvc.lock", "tests/", "benchmarks/"))
            and (root / name).exists()
        ):
            (here.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, here.folder / name)
    shutil.copy(finished.params_file, here.folder / "params.yaml")
    here.run("git", "init", "-q")
    here.dvc("init", "-q")
    here.dvc("config", "core.analytics", "false")
    here.run("git", "add", "-A")
    here.run("git", "commit", "-qm", "start")  # DVCLive names the commit it ran on
    return here


def _small_params(root: Path, folder: Path) -> Path:
    yaml = YAML()
    raw = yaml.load((root / "params.yaml").read_text(encoding="utf-8"))
    # calm: golden numbers are held of it
    calm = {"series": 24, "days": 150, "daily_files": 2, "world": "calm"}
    raw["source"]["simulator"] |= calm
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
    raw["evaluate"]["gate"] |= {
        "confidence": 0.51,
        "max_abs_bias": 1.0,
        "max_coverage_gap": 1.0,
    }
    target = folder / "params.yaml"
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)
    return target
