"""How often the gate promotes what is no better, and what is better by 0.5 to 10%.

Siblings: one recipe under eight seeds, fitted anew at each of six cutoffs, every ordered pair once.
None is better than another but by luck, so each promotion is a false one. Swapped: the log ratios
of two real models, their mean taken out, their sign drawn cutoff by cutoff and their stores
redrawn; a gain of a known size is then laid on top. Its cutoffs differ more than siblings' do: the
harder null. Scaled: one sibling's forecasts times a factor, as its refit, and the repair of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmarks.accuracy.gate_losses import (
    CUTOFFS,
    OTHERS,
    SCALED,
    SEEDS,
    ByModel,
    m5_losses,
    sibling_losses,
)
from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params import Params
from forecasting.paired import Losses, difference
from forecasting.promotion import IMPROVEMENT, NO_HARM, confidence_of, needed

GAINS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
HARMS = (0.0, 0.01, 0.015, 0.02, 0.03, 0.05)
SHOWN_GAINS = [f"{gain:.1%}" for gain in GAINS]
TRIALS = 1000
Pair = tuple[Losses, Losses]


def measure(context: Context) -> Result:
    """Fit the siblings (kept), judge; M5's models where its data folder is given."""
    params = params_here()
    losses, shared = sibling_losses(params)
    made: Result = {"trials": TRIALS, "simulator": _simulator(losses, shared, params)}
    made["no harm"] = _no_harm(losses, params)
    made["scaled"] = _scaled(losses, params)
    if data := context.options.m5:
        made["m5"] = _swapped_worlds(m5_losses(data), params)
    return made


def table(result: Result) -> str:
    """One row per kind of pair, one column per true gain; refits; scaled forecasts."""
    rows = []
    for world in ("simulator", "m5"):
        for kind, by_gain in result.get(world, {}).items():
            shares = [f"{by_gain[gain]:.1%}" for gain in SHOWN_GAINS if gain in by_gain]
            rows += [[world, kind, *shares]] if len(shares) == len(GAINS) else []
    head = ["data", "pairs", *(f"better by {gain}" for gain in SHOWN_GAINS)]
    harm = result["no harm"]
    passed = ["passed as a refit (one window)", *(f"{share:.1%}" for share in harm.values())]
    scaled = [[name, *map(str, row.values())] for name, row in result["scaled"].items()]
    return "\n\n".join(
        [
            markdown_table(head, rows),
            markdown_table(["a sibling worse by", *harm], [passed]),
            markdown_table(
                ["a sibling's forecasts", *next(iter(result["scaled"].values()))], scaled
            ),
        ]
    )


def _simulator(losses: ByModel, shared: ByModel, params: Params) -> Result:
    shares: Result = {}
    for name, siblings, count in (
        ("one fit, 4 cutoffs", shared, 4),
        ("4 fits, 4 cutoffs", losses, 4),
        ("6 fits, 6 cutoffs", losses, 6),
    ):
        pairs = [(_last(a, count), _last(b, count)) for a, b in _pairs(siblings)]
        shares[f"siblings, {name}"] = {
            f"{gain:.1%}": _promoted([(_scale(a, 1 - gain), b) for a, b in pairs], params)
            for gain in GAINS
        }
        luck = [difference(a, b).relative for a, b in pairs]
        shares[f"luck of {name}"] = {"spread": round(float(np.std(luck)), 5)}
    ours = [losses[f"seed {seed}"] for seed in SEEDS]
    shares |= {f"against {name}": _real(ours, losses[name], params) for name in OTHERS}
    return shares | _swapped_worlds(losses, params)


def _pairs(siblings: ByModel) -> list[Pair]:
    """Every ordered pair of seeds."""
    return [(siblings[f"seed {a}"], siblings[f"seed {b}"]) for a, b in permutations(SEEDS, 2)]


def _no_harm(losses: ByModel, params: Params) -> dict[str, float]:
    """Share of siblings that pass as refits though worse by so much, on one window each."""
    pairs = [(_at(a, k), _at(b, k)) for a, b in _pairs(losses) for k in range(CUTOFFS)]
    return {
        f"{worse:.1%}": _promoted([(_scale(a, 1 + worse), b) for a, b in pairs], params, NO_HARM)
        for worse in HARMS
    }


def _scaled(losses: ByModel, params: Params) -> Result:
    """Forecasts times a factor: what the headline loses, whether it passes, and its repair."""
    gate, fit = params.evaluate.gate, losses[f"seed {SEEDS[0]}"]
    rows, need = {}, needed(gate, NO_HARM)
    for name in SCALED:
        refit, repair = difference(losses[name], fit), difference(fit, losses[name])
        rows[name] = {
            "headline": f"{refit.relative:+.1%}",
            "passes as a refit": confidence_of(refit, gate, NO_HARM) >= need,
            "its repair passes": confidence_of(repair, gate, NO_HARM) >= need,
        }
    return rows


def _real(siblings: list[Losses], worse: Losses, params: Params) -> Result:
    """The recipe against a worse one: its true gain, and how often it is promoted."""
    gain = -np.mean([difference(one, worse).relative for one in siblings])
    return {f"{gain:.1%}": _promoted([(one, worse) for one in siblings], params)}


def _swapped_worlds(losses: ByModel, params: Params) -> Result:
    """Null and power from the log ratios of the model and the window average, by cutoffs."""
    ours = losses["global_lightgbm" if "global_lightgbm" in losses else "seed 1"]
    theirs = losses["window_average"]
    return {
        f"swapped, {count} cutoffs": {
            f"{gain:.1%}": _promoted(
                list(_swapped(_last(ours, count), _last(theirs, count), gain)), params
            )
            for gain in GAINS
        }
        for count in sorted({4, len(ours.by_level)})
    }


def _swapped(a: Losses, b: Losses, gain: float) -> Iterator[Pair]:
    """Pairs whose headlines differ as those of a and b, none better in the mean but by gain."""
    rng = np.random.default_rng(1)
    ratios, left_out = np.log(a.headline / b.headline), np.log(a.without / b.without)
    mean, (cutoffs, blocks) = ratios.mean(), b.without.shape
    for _ in range(TRIALS):
        sign, drawn = rng.choice([-1.0, 1.0], (cutoffs, 1)), rng.integers(0, blocks, blocks)
        headline = b.headline[:, None] * np.exp(sign * (ratios[:, None] - mean)) * (1 - gain)
        without = b.without[:, drawn] * np.exp(sign * (left_out[:, drawn] - mean)) * (1 - gain)
        yield Losses(headline, without), Losses(b.headline[:, None], b.without[:, drawn])


def _promoted(pairs: list[Pair], params: Params, rule: str = IMPROVEMENT) -> float:
    """Share of pairs whose candidate is promoted."""
    gate = params.evaluate.gate
    need = needed(gate, rule)
    sure = [confidence_of(difference(a, b), gate, rule) >= need for a, b in pairs]
    return round(float(np.mean(sure)), 4)


def _scale(losses: Losses, factor: float) -> Losses:
    return Losses(losses.by_level * factor, losses.without * factor)


def _last(losses: Losses, count: int) -> Losses:
    return Losses(losses.by_level[-count:], losses.without[-count:])


def _at(losses: Losses, cutoff: int) -> Losses:
    rows = slice(cutoff, cutoff + 1)
    return Losses(losses.by_level[rows], losses.without[rows])


BENCHMARK = Benchmark(
    question="How often does the gate promote what is no better, and how often what is?",
    needs="nothing, or a finished M5 run as well; minutes",
    measure=measure,
    options=(Option("m5", "data folder of a finished M5 run: its backtest is read", kind=Path),),
    table=table,
)
