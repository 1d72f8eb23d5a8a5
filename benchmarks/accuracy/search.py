"""A recorded search of the booster's parameters: drawn by seed, thinned out on earlier cutoffs,
judged on later ones it never saw.

Successive halving (Jamieson & Talwalkar 2016): all draws on few rows, the best sixth on more, the
best of those is what the search found. Fitted on all rows it is scored at later cutoffs, beside
what ships and LightGBM's own defaults. The group step is on wherever params.yaml has it on: what is
chosen is what would serve. A search that was stopped goes on where it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.search_trials import Change, Trials
from benchmarks.harness.params import params_for
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import simulated
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params, TrainParams

SEARCHED, JUDGED = 2, 3  # cutoffs: the earlier ones are searched on, the later ones judge
ROW_SHARES = (0.15, 0.5)  # of train.max_rows, round by round
KEPT = 6  # one draw in so many reaches the next round
SERIES, DAYS, SEED = 300, 760, 31  # of the simulated chain
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


def measure(context: Context) -> Result:
    """Draw, thin out, judge; every trial is kept as soon as it is scored."""
    draws, seed = context.options.draws, context.options.seed
    params, panel = _ground(context)
    begun = {
        "panel_hash": panel.hash,
        "draws": draws,
        "seed": seed,
        "ships": params.train.model_dump(mode="json"),
    }
    trials = Trials(context, params, panel, SEARCHED + JUDGED, begun)
    found = searched(trials, params.train, draws, seed)
    return trials.result | {"found": found, "judged": judged(trials, found)}


def table(result: Result) -> str:
    """What ships, the defaults and what was found, at the cutoffs that judge."""
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
        for name, row in result["judged"].items()
    ]
    head = ["params", "by later cutoff", "mean", "change", "better at", "bias", "fit s"]
    return markdown_table(head, rows)


def draws_of(train: TrainParams, count: int, seed: int) -> dict[str, Change]:
    """Name -> change of the shipped params; draws that stop too early or cost too much are drawn
    again.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, Change] = {}
    while len(drawn) < count:
        change = {name: choices[rng.integers(len(choices))] for name, choices in CHOICES.items()}
        work = change["rounds"] * change["leaves"] / (train.rounds * train.leaves)
        if change["rounds"] * change["learning_rate"] >= LEAST_STEPS and work <= MOST_WORK:
            drawn[f"draw {len(drawn) + 1}"] = change
    return drawn


def searched(trials: Trials, train: TrainParams, draws: int, seed: int) -> Change:
    """The change that was best on the earlier cutoffs. What ships is measured along, to be read
    beside, and never wins here.
    """
    alive, earlier = draws_of(train, draws, seed), range(SEARCHED)
    for share in ROW_SHARES:
        trials.mean("ships", {}, share, earlier)
        means = {name: trials.mean(name, change, share, earlier) for name, change in alive.items()}
        best = sorted(means, key=means.__getitem__)[: max(1, len(alive) // KEPT)]
        alive = {name: alive[name] for name in best}
    return next(iter(alive.values()))


def judged(trials: Trials, found: Change) -> dict[str, Result]:
    """What ships, the defaults and what was found, all rows, at the later cutoffs; differences to
    what ships.
    """
    sides = {"found": found, "defaults": DEFAULTS, "ships": {}}
    rows: dict[str, list[Result]] = {name: [] for name in sides}
    for k in range(SEARCHED, SEARCHED + JUDGED):
        for name, change in sides.items():
            rows[name].append(trials.score(name, change, 1.0, k))
    ships = np.array([row["wrmsse"] for row in rows["ships"]])
    return {name: _against(ships, scores) for name, scores in rows.items()}


def _ground(context: Context) -> tuple[Params, Panel]:
    """A finished run's panel, or the simulator."""
    if context.options.panel:
        return params_for(context.source), context.panel
    params = params_for("simulator")
    return params, simulated(params, SERIES, DAYS, SEED)


def _against(ships: np.ndarray, scores: list[Result]) -> Result:
    wrmsse = np.array([row["wrmsse"] for row in scores])
    means = {
        name: float(np.mean([row[name] for row in scores])) for name in ("items", "bias", "fit_s")
    }
    return {
        "by_cutoff": wrmsse.tolist(),
        "wrmsse": round(float(wrmsse.mean()), 4),
        "change": round(float((wrmsse - ships).mean()), 4),
        "better_at": int((wrmsse < ships).sum()),
        "items": round(means["items"], 4),
        "bias": round(means["bias"], 4),
        "fit_s": round(means["fit_s"], 1),
    }


BENCHMARK = Benchmark(
    question="Which parameters would a search choose, and are they better on days it never saw?",
    needs="nothing, or a panel after make repro; a quarter to half an hour",
    measure=measure,
    options=(
        Option("panel", "search on the data folder's panel, not on the simulator", kind=bool),
        Option("draws", "how many draws", 12, int),
        Option("seed", "of the draws", 5, int),
    ),
    table=table,
    result_name=lambda c: f"search_{c.source if c.options.panel else 'simulator'}",
)
