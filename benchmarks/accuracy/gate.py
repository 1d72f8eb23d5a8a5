"""How often the gate promotes what is no better, and what is better by 0.5 to 10%.

Siblings: one recipe under eight seeds, fitted anew at each of six cutoffs, every ordered pair once.
None is better than another but by luck, so each promotion is a false one. Swapped: the difference
field of two real models, its mean taken out, its two sides exchanged by chance cutoff by cutoff and
its blocks redrawn; a gain of a known size is then laid on top. Its cutoffs differ more than
siblings'
do: the harder null. `before` is the rule the gate had until 2026-11: cutoffs and blocks redrawn at
once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmarks.accuracy.gate_losses import (
    CUTOFFS,
    OTHERS,
    SEEDS,
    Losses,
    m5_losses,
    sibling_losses,
)
from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params import Params
from forecasting.paired import drawn_differences
from forecasting.promotion import NO_HARM, confidence_of

GAINS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
HARMS = (0.0, 0.01, 0.015, 0.02, 0.03, 0.05)
SHOWN_GAINS = [f"{gain:.1%}" for gain in GAINS]
TRIALS = 1000
Rule = Callable[[np.ndarray, np.ndarray, int], float]
Pair = tuple[np.ndarray, np.ndarray]


def measure(context: Context) -> Result:
    """Fit the siblings (kept), judge; M5's models where its data folder is given."""
    params = params_here()
    losses, shared = sibling_losses(params)
    made = context.before() | {"trials": TRIALS, "simulator": _simulator(losses, shared, params)}
    made["no harm"] = _no_harm(losses, params)
    if data := context.options.m5:
        made["m5"] = _swapped_worlds(m5_losses(data), params)
    return made


def table(result: Result) -> str:
    """One row per kind of pair, one column per true gain; before: the old rule."""
    rows = []
    for world in ("simulator", "m5"):
        for kind, by_gain in result.get(world, {}).items():
            for rule in ("now", "before") if isinstance(by_gain, dict) else ():
                shares = [_share(by_gain, gain, rule) for gain in SHOWN_GAINS]
                rows += [[world, kind, rule, *shares]] if any(shares) else []
    head = ["data", "pairs", "rule", *(f"better by {gain}" for gain in SHOWN_GAINS)]
    harm = result["no harm"]
    passed = [
        "passed as a refit (no harm, one window)",
        *(f"{share:.1%}" for share in harm.values()),
    ]
    siblings = markdown_table(["a sibling worse by", *harm], [passed])
    return f"{markdown_table(head, rows)}\n\n{siblings}"


def rules(params: Params) -> dict[str, Rule]:
    """Confidence that the candidate (first) loses less than the incumbent, by rule."""
    gate = params.evaluate.gate

    def now(ours: np.ndarray, theirs: np.ndarray, seed: int) -> float:
        drawn = drawn_differences(ours, theirs, gate.resamples, seed, gate.confidence)
        return float(np.mean(drawn < -gate.min_gain))

    def before(ours: np.ndarray, theirs: np.ndarray, seed: int) -> float:
        rng, d = np.random.default_rng(seed), ours - theirs
        times = [rng.multinomial(n, np.full(n, 1 / n), gate.resamples) for n in d.shape]
        return float(np.mean(((times[0] @ d) * times[1]).sum(axis=1) < 0))

    return {"now": now, "before": before}


def _simulator(losses: Losses, shared: Losses, params: Params) -> Result:
    shares: Result = {}
    for name, siblings, count in (
        ("one fit, 4 cutoffs", shared, 4),
        ("4 fits, 4 cutoffs", losses, 4),
        ("6 fits, 6 cutoffs", losses, 6),
    ):
        pairs = [(a[-count:], b[-count:]) for a, b in _pairs(siblings)]
        shares[f"siblings, {name}"] = {
            f"{gain:.1%}": _promoted([(a * (1 - gain), b) for a, b in pairs], params)
            for gain in GAINS
        }
        luck = float(np.std([a.sum() / b.sum() - 1 for a, b in pairs]))
        shares[f"luck of {name}"] = round(luck, 5)
    ours = [losses[f"seed {seed}"] for seed in SEEDS]
    shares |= {f"against {name}": _real(ours, losses[name], params) for name in OTHERS}
    return shares | _swapped_worlds(losses, params)


def _pairs(siblings: Losses) -> list[Pair]:
    """Every ordered pair of seeds."""
    return [(siblings[f"seed {a}"], siblings[f"seed {b}"]) for a, b in permutations(SEEDS, 2)]


def _no_harm(losses: Losses, params: Params) -> dict[str, float]:
    """Share of siblings that pass as refits of each other though they are worse by so much, on one
    window each.
    """
    gate = params.evaluate.gate
    pairs = [(a[k : k + 1], b[k : k + 1]) for a, b in _pairs(losses) for k in range(CUTOFFS)]

    def passing(worse: float) -> float:
        passes = [
            confidence_of(a * (1 + worse), b, gate, k, NO_HARM) >= gate.confidence
            for k, (a, b) in enumerate(pairs)
        ]
        return round(float(np.mean(passes)), 4)

    return {f"{worse:.1%}": passing(worse) for worse in HARMS}


def _real(siblings: list[np.ndarray], worse: np.ndarray, params: Params) -> Result:
    """The recipe as candidate against a worse one as incumbent: its true gain, and how often it is
    promoted.
    """
    gain = 1 - np.mean([s.sum() for s in siblings]) / worse.sum()
    return {f"{gain:.1%}": _promoted([(s, worse) for s in siblings], params)}


def _swapped_worlds(losses: Losses, params: Params) -> Result:
    """Null and power from the difference field of the model and the window average, with all
    cutoffs and with four.
    """
    ours = losses["global_lightgbm" if "global_lightgbm" in losses else "seed 1"]
    theirs = losses["window_average"]
    return {
        f"swapped, {count} cutoffs": {
            f"{gain:.1%}": _promoted(list(_swapped(ours[-count:], theirs[-count:], gain)), params)
            for gain in GAINS
        }
        for count in sorted({4, len(ours)})
    }


def _swapped(a: np.ndarray, b: np.ndarray, gain: float) -> Iterator[Pair]:
    rng = np.random.default_rng(1)
    field = b - a * (b.sum() / a.sum())
    cutoffs, blocks = a.shape
    for _ in range(TRIALS):
        sign, drawn = rng.choice([-1.0, 1.0], (cutoffs, 1)), rng.integers(0, blocks, blocks)
        half = sign * field[:, drawn] / 2
        middle = a[:, drawn]
        yield (middle + half) * (1 - gain), middle - half


def _promoted(pairs: list[Pair], params: Params) -> dict[str, float]:
    """Share of pairs whose candidate is promoted, by rule."""
    need = params.evaluate.gate.confidence
    return {
        name: round(float(np.mean([rule(a, b, k) >= need for k, (a, b) in enumerate(pairs)])), 4)
        for name, rule in rules(params).items()
    }


def _share(by_gain: Result, gain: str, rule: str) -> str:
    return f"{by_gain[gain][rule]:.1%}" if gain in by_gain else ""


BENCHMARK = Benchmark(
    question="How often does the gate promote what is no better, and how often what is?",
    needs="nothing, or a finished M5 run as well; minutes",
    measure=measure,
    options=(Option("m5", "data folder of a finished M5 run: its backtest is read", kind=Path),),
    table=table,
)
