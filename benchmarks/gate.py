"""How often the gate promotes what is no better, and what is better by 0.5 to 10%.

run     python -m benchmarks.gate [--m5 DATA_FOLDER]     (M5: a data folder after `make repro PROFILE=m5`; its backtest is read)

Siblings: one recipe under eight seeds, fitted anew at each of six cutoffs, every ordered pair once. None is better than another
but by luck, so each promotion is a false one. Swapped: the difference field of two real models, its mean taken out, its two sides
exchanged by chance cutoff by cutoff and its blocks redrawn; a gain of a known size is then laid on top. Its cutoffs differ more
than siblings' do: the harder null. `before` is the rule the gate had until 2026-11: cutoffs and blocks redrawn at once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import RESULTS, ROOT, keep
from benchmarks.worlds import fitted, params_for, recent, simulated
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from features.dense_panel import feature_recipe_of
from forecasting.forecaster import Forecaster
from forecasting.paired import blocks_of, drawn_differences, losses_of, series_losses
from forecasting.promotion import NO_HARM, confidence_of
from forecasting.seasonal_naive import baseline_of
from forecasting.window import window_after
from forecasting.window_average import WindowAverage
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

KEPT = ROOT / "data" / "replays" / "gate"
RESULT = RESULTS / "gate.json"
SEEDS, CUTOFFS, STEP_DAYS, HORIZON = range(1, 9), 6, 28, 28
OTHERS = {"30 rounds": {"rounds": 30}, "15 rounds": {"rounds": 15}}
GAINS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
HARMS = (0.0, 0.01, 0.015, 0.02, 0.03, 0.05)
TRIALS = 1000
Losses = dict[str, np.ndarray]
Rule = Callable[[np.ndarray, np.ndarray, int], float]


def main() -> None:
    """Fit the siblings (minutes, kept), judge, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--m5", type=Path, help="data folder of a finished M5 run")
    arguments = parser.parse_args()
    params = load_params(ROOT / "params.yaml")
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    made: dict[str, Any] = kept | {"trials": TRIALS, "simulator": _simulator(params)}
    made["no harm"] = _no_harm(params)
    if arguments.m5:
        made["m5"] = _swapped_worlds(_m5_losses(arguments.m5), params)
    keep("gate", made)
    print(text_table(*_table(made)))


def rules(params: Params) -> dict[str, Rule]:
    """Confidence that the candidate (first) loses less than the incumbent, by rule."""
    gate = params.evaluate.gate

    def now(ours: np.ndarray, theirs: np.ndarray, seed: int) -> float:
        drawn = drawn_differences(ours, theirs, gate.resamples, seed, gate.confidence)
        return float(np.mean(drawn < -gate.min_gain))

    def before(ours: np.ndarray, theirs: np.ndarray, seed: int) -> float:
        rng, d = np.random.default_rng(seed), ours - theirs
        times = [rng.multinomial(count, np.full(count, 1 / count), gate.resamples) for count in d.shape]
        return float(np.mean(((times[0] @ d) * times[1]).sum(axis=1) < 0))

    return {"now": now, "before": before}


def _simulator(params: Params) -> dict[str, Any]:
    losses = _kept("siblings", lambda: _fit_losses(params, one_fit=False))
    shared = _kept("one_fit", lambda: _fit_losses(params, one_fit=True))
    told: dict[str, Any] = {}
    for name, siblings, count in (
        ("one fit, 4 cutoffs", shared, 4),
        ("4 fits, 4 cutoffs", losses, 4),
        ("6 fits, 6 cutoffs", losses, 6),
    ):
        pairs = [(siblings[f"seed {a}"][-count:], siblings[f"seed {b}"][-count:]) for a, b in permutations(SEEDS, 2)]
        told[f"siblings, {name}"] = {
            f"{gain:.1%}": _promoted([(a * (1 - gain), b) for a, b in pairs], params) for gain in GAINS
        }
        told[f"luck of {name}"] = round(float(np.std([a.sum() / b.sum() - 1 for a, b in pairs])), 5)
    ours = [losses[f"seed {seed}"] for seed in SEEDS]
    told |= {f"against {name}": _real(ours, losses[name], params) for name in OTHERS}
    return told | _swapped_worlds(losses, params)


def _no_harm(params: Params) -> dict[str, float]:
    """Share of siblings that pass as refits of each other though they are worse by so much, on one window each."""
    losses, need = _kept("siblings", lambda: _fit_losses(params, one_fit=False)), params.evaluate.gate.confidence
    pairs = [
        (losses[f"seed {a}"][k : k + 1], losses[f"seed {b}"][k : k + 1])
        for a, b in permutations(SEEDS, 2)
        for k in range(CUTOFFS)
    ]
    gate = params.evaluate.gate
    return {
        f"{worse:.1%}": round(
            float(
                np.mean([confidence_of(a * (1 + worse), b, gate, k, NO_HARM) >= need for k, (a, b) in enumerate(pairs)])
            ),
            4,
        )
        for worse in HARMS
    }


def _real(siblings: list[np.ndarray], worse: np.ndarray, params: Params) -> dict[str, Any]:
    """The recipe as candidate against a worse one as incumbent: its true gain, and how often it is promoted."""
    gain = 1 - np.mean([s.sum() for s in siblings]) / worse.sum()
    return {f"{gain:.1%}": _promoted([(s, worse) for s in siblings], params)}


def _swapped_worlds(losses: Losses, params: Params) -> dict[str, Any]:
    """Null and power from the difference field of the model and the window average, with all cutoffs and with four."""
    ours, theirs = losses.get("global_lightgbm", losses.get("seed 1")), losses["window_average"]
    counts = sorted({4, len(ours)})
    return {
        f"swapped, {count} cutoffs": {
            f"{gain:.1%}": _promoted(list(_swapped(ours[-count:], theirs[-count:], gain)), params) for gain in GAINS
        }
        for count in counts
    }


def _swapped(a: np.ndarray, b: np.ndarray, gain: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    field = b - a * (b.sum() / a.sum())
    cutoffs, blocks = a.shape
    for _ in range(TRIALS):
        sign, drawn = rng.choice([-1.0, 1.0], (cutoffs, 1)), rng.integers(0, blocks, blocks)
        half = sign * field[:, drawn] / 2
        middle = a[:, drawn]
        yield (middle + half) * (1 - gain), middle - half


def _promoted(pairs: list[tuple[np.ndarray, np.ndarray]], params: Params) -> dict[str, float]:
    """Share of pairs whose candidate is promoted, by rule."""
    need = params.evaluate.gate.confidence
    return {
        name: round(float(np.mean([rule(a, b, k) >= need for k, (a, b) in enumerate(pairs)])), 4)
        for name, rule in rules(params).items()
    }


def _kept(name: str, make: Callable[[], Losses]) -> Losses:
    """Losses kept once made: fitting takes minutes, judging seconds."""
    path = KEPT / f"{name}.npz"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        np.savez(path, **make())
    return dict(np.load(path))


def _fit_losses(params: Params, one_fit: bool) -> Losses:
    """(cutoffs, blocks) losses of the siblings: one fit each for all cutoffs; or a fit a cutoff, with worse recipes and two
    simple models beside them."""
    panel = simulated(params, 500, 960, 7)
    blocks, losses = blocks_of(panel.series), {}
    last, count = panel.last_day - timedelta(days=HORIZON), 4 if one_fit else CUTOFFS
    cutoffs = [last - timedelta(days=STEP_DAYS * k) for k in reversed(range(count))]
    models = _siblings(params, panel, cutoffs[0])
    for cutoff in cutoffs:
        window, known = window_after(panel, cutoff, HORIZON, params.source.hierarchy[-1:]), recent(panel, cutoff)
        models = models if one_fit else _siblings(params, panel, cutoff) | _others(params, panel, cutoff)
        for name, model in models.items():
            y_hat = np.nan_to_num(window.matrix(model.forecast(known, cutoff, HORIZON)))
            losses.setdefault(name, []).append(series_losses(window, y_hat, blocks))
    return {name: np.array(told) for name, told in losses.items()}


def _siblings(params: Params, panel: Panel, cutoff: date) -> dict[str, Forecaster]:
    return {f"seed {seed}": fitted(params, panel, cutoff, seed=seed) for seed in SEEDS}


def _others(params: Params, panel: Panel, cutoff: date) -> dict[str, Forecaster]:
    known = recent(panel, cutoff)
    return {name: fitted(params, panel, cutoff, **change) for name, change in OTHERS.items()} | {
        "window_average": WindowAverage(feature_recipe_of(params, panel)).fit(known),
        "seasonal_naive": baseline_of(params).fit(known),
    }


def _m5_losses(folder: Path) -> Losses:
    """Of the models in a stored M5 backtest."""
    params = params_for("m5")
    models = ["global_lightgbm", "window_average", "seasonal_naive"]
    told = pl.read_parquet(Paths(folder).backtest / "forecasts.parquet")
    losses = losses_of(read_frozen(Paths(folder).panel), told, models, params.source.hierarchy[-1:])
    return dict(zip(models, losses, strict=True))


def _table(made: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """One row per kind of pair and gain."""
    rows = []
    for world in ("simulator", "m5"):
        for kind, told in made.get(world, {}).items():
            if isinstance(told, dict):
                of_gain = told if "now" not in told else {"0.0%": told}
                rows += [[world, kind, gain, f"{r['now']:.1%}", f"{r['before']:.1%}"] for gain, r in of_gain.items()]
    return ["data", "pairs", "true gain", "promoted", "before"], rows


if __name__ == "__main__":
    main()
