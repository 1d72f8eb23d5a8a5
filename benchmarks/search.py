"""A recorded search of the booster's parameters: drawn by seed, thinned out on earlier cutoffs, judged on later ones it never saw.

run     python -m benchmarks.search                                 on the simulator
        python -m benchmarks.search --data-from M5_FOLDER           on M5's files
        python -m benchmarks.search --data DATA_FOLDER              on a finished run's panel
        (--draws 12 --seed 5; a search that was stopped goes on where it was)

Successive halving (Jamieson & Talwalkar 2016): all draws on few rows, the best sixth on more, the best of those is what the search
found. Fitted on all rows it is scored at later cutoffs, beside what ships and LightGBM's own defaults. The group step is on wherever
params.yaml has it on: what is chosen is what would serve.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import m5_panel
from benchmarks.measured import RESULTS, keep
from benchmarks.origins import Yardstick, scores_of
from benchmarks.worlds import params_for, simulated
from contract.panel import Panel
from contract.params import Params, TrainParams
from features.dense_panel import DensePanel, feature_recipe_of, vocabulary_of
from forecasting.global_lightgbm import GlobalLightGBM
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

SEARCHED, JUDGED = 2, 3  # cutoffs: the earlier ones are searched on, the later ones judge
RUNGS = (0.15, 0.5)  # shares of train.max_rows
KEPT = 6  # one draw in so many reaches the next rung
SERIES, DAYS, WORLD = 300, 760, 31  # of the simulated chain
CHOICES: dict[str, tuple[Any, ...]] = {
    "rounds": (100, 150, 250, 400),
    "learning_rate": (0.03, 0.05, 0.08, 0.12),
    "leaves": (15, 31, 63, 127),
    "min_rows_in_leaf": (20, 50, 100, 200, 500),
    "feature_fraction": (0.3, 0.5, 0.7, 1.0),
    "row_fraction": (0.3, 0.5, 0.8, 1.0),
    "l2": (0.0, 0.1, 1.0, 10.0),
    "tweedie_power": (1.05, 1.1, 1.2, 1.3, 1.4, 1.5),
    "origin_step_days": (3, 5, 9, 13),
}
LEAST_STEPS = 5.0  # rounds x learning rate; fewer stop before the trees have said what they know
MOST_WORK = 2.0  # rounds x leaves, times those that ship: a model twice as dear is another bargain
DEFAULTS = {  # LightGBM's documented ones
    "rounds": 100,
    "learning_rate": 0.1,
    "leaves": 31,
    "min_rows_in_leaf": 20,
    "feature_fraction": 1.0,
    "row_fraction": 1.0,
    "l2": 0.0,
    "tweedie_power": 1.5,
}
Change = dict[str, Any]


def main() -> None:
    """Draw, thin out, judge, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data-from", type=Path, help="folder of M5's files")
    source.add_argument("--data", type=Path, help="data folder of a finished M5 run")
    parser.add_argument("--draws", type=int, default=12)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    params, panel = _ground(arguments.data_from, arguments.data)
    trials = Trials(params, panel, arguments.draws, arguments.seed)
    found = searched(trials, params.train, arguments.draws, arguments.seed)
    told = judged(trials, found)
    trials.write(found=found, judged=told)
    print(_table(told))


def draws_of(train: TrainParams, count: int, seed: int) -> dict[str, Change]:
    """Name -> change of the shipped params; draws that stop too early or cost too much are drawn again."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Change] = {}
    while len(drawn) < count:
        change = {name: choices[rng.integers(len(choices))] for name, choices in CHOICES.items()}
        work = change["rounds"] * change["leaves"] / (train.rounds * train.leaves)
        if change["rounds"] * change["learning_rate"] >= LEAST_STEPS and work <= MOST_WORK:
            drawn[f"draw {len(drawn) + 1}"] = change
    return drawn


def searched(trials: Trials, train: TrainParams, draws: int, seed: int) -> Change:
    """The change that was best on the earlier cutoffs. What ships is measured along, to be read beside, and never wins here."""
    alive = draws_of(train, draws, seed)
    for share in RUNGS:
        trials.mean("ships", {}, share, range(SEARCHED))
        means = {name: trials.mean(name, change, share, range(SEARCHED)) for name, change in alive.items()}
        best = sorted(means, key=means.__getitem__)[: max(1, len(alive) // KEPT)]
        alive = {name: alive[name] for name in best}
    return next(iter(alive.values()))


def judged(trials: Trials, found: Change) -> dict[str, dict[str, Any]]:
    """What ships, the defaults and what was found, all rows, at the later cutoffs; differences to what ships."""
    sides = {"found": found, "defaults": DEFAULTS, "ships": {}}
    later = range(SEARCHED, SEARCHED + JUDGED)
    by_cutoff = [{name: trials.score(name, change, 1.0, k) for name, change in sides.items()} for k in later]
    rows = {name: [scores[name] for scores in by_cutoff] for name in sides}
    ships = np.array([row["wrmsse"] for row in rows["ships"]])
    return {name: _against(ships, scores) for name, scores in rows.items()}


class Trials:
    """Every fit of a search, kept in its file as soon as it is scored."""

    def __init__(self, params: Params, panel: Panel, draws: int, seed: int):
        self.params, self.panel, self.feature_recipe = params, panel, feature_recipe_of(params, panel)
        horizon, zeros = params.train.horizon, params.ingest.absent_means_zero
        self.yardstick = Yardstick(panel, params.source.hierarchy, horizon, SEARCHED + JUDGED, zeros)
        self.dense = lru_cache(SEARCHED)(self._space)  # as many as are in turn
        self.name = f"search_{params.source.kind}"
        asked = {"panel_hash": panel.hash, "draws": draws, "seed": seed, "ships": params.train.model_dump(mode="json")}
        self.told: dict[str, Any] = asked | {"cutoffs": [str(day) for day in self.yardstick.cutoffs], "trials": []}
        path = RESULTS / f"{self.name}.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if all(before.get(key) == value for key, value in asked.items()):
            self.told["trials"] = before["trials"]

    def mean(self, name: str, change: Change, share: float, cutoffs: range) -> float:
        """WRMSSE, mean over these cutoffs."""
        return float(np.mean([self.score(name, change, share, k)["wrmsse"] for k in cutoffs]))

    def score(self, name: str, change: Change, share: float, k: int) -> dict[str, Any]:
        """One fit at the k-th cutoff on a share of the rows; read from the file when it was made before."""
        asked = {"name": name, "share_of_rows": share, "cutoff": str(self.yardstick.cutoffs[k]), "change": change}
        made = next((trial for trial in self.told["trials"] if asked.items() <= trial.items()), None)
        if made is None:
            made = asked | self._fit(change, share, k)
            self.told["trials"].append(made)
            self.write()
            print(name, share, asked["cutoff"], round(made["wrmsse"], 4), f"{made['fit_s']:.0f} s", flush=True)
        return made

    def write(self, **more: Any) -> None:
        """The file as it stands."""
        keep(self.name, self.told | more)

    def _fit(self, change: Change, share: float, k: int) -> dict[str, float]:
        rows = round(self.params.train.max_rows * share)
        dense, started = self.space(k), time.perf_counter()
        train = TrainParams(**self.params.train.model_dump() | {"max_rows": rows} | change)
        model = GlobalLightGBM(train, self.feature_recipe).learn(dense)
        fit_s = time.perf_counter() - started
        window = self.yardstick.windows[k]
        y_hat = np.where(window.is_known, np.nan_to_num(model.means(dense, train.horizon)), 0.0)
        return {name: round(value, 5) for name, value in scores_of(window, y_hat).items()} | {"fit_s": round(fit_s, 1)}

    def _space(self, k: int) -> DensePanel:
        known = self.panel.up_to(self.yardstick.cutoffs[k])
        return self.feature_recipe.dense_panel(known, self.params.train.blocks[-1], vocabulary_of(known))


def _ground(data_from: Path | None, data: Path | None) -> tuple[Params, Panel]:
    if data is not None:
        return params_for("m5"), read_frozen(Paths(data).panel)
    if data_from is not None:
        with tempfile.TemporaryDirectory() as folder:
            return params_for("m5"), read_frozen(m5_panel(data_from, Path(folder)))
    params = params_for("simulator")
    return params, simulated(params, SERIES, DAYS, WORLD)


def _against(ships: np.ndarray, scores: list[dict[str, Any]]) -> dict[str, Any]:
    wrmsse = np.array([row["wrmsse"] for row in scores])
    return {
        "by_cutoff": wrmsse.tolist(),
        "wrmsse": round(float(wrmsse.mean()), 4),
        "change": round(float((wrmsse - ships).mean()), 4),
        "better_at": int((wrmsse < ships).sum()),
        "items": round(float(np.mean([row["items"] for row in scores])), 4),
        "bias": round(float(np.mean([row["bias"] for row in scores])), 4),
        "fit_s": round(float(np.mean([row["fit_s"] for row in scores])), 1),
    }


def _table(told: dict[str, dict[str, Any]]) -> str:
    rows = [
        [
            name,
            " ".join(f"{value:.3f}" for value in row["by_cutoff"]),
            f"{row['wrmsse']:.4f}",
            f"{row['change']:+.4f}",
            f"{row['better_at']} of {JUDGED}",
            f"{row['bias']:+.1%}",
            f"{row['fit_s']:.0f}",
        ]
        for name, row in told.items()
    ]
    return text_table(["params", "by later cutoff", "mean", "change", "better at", "bias", "fit s"], rows)


if __name__ == "__main__":
    main()
