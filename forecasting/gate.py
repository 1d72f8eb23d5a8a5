"""The candidate before the gate: what it is compared with, where, by which rule; the decision."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contract.params import Params
from forecasting.backtest import Progress, no_progress, plan_of
from forecasting.backtested import Backtested
from forecasting.bundle import CARD, read_card
from forecasting.challenge import (
    CHAMPION,
    IS_CHAMPION,
    Incumbent,
    backtest_of_refit,
    incumbent_in,
    tables_of,
)
from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE, Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.leaderboard import guardrail_metrics_of
from forecasting.paired import Losses, losses_on
from forecasting.promotion import IMPROVEMENT, NO_HARM, Evidence, Tables, already_champion, decide
from forecasting.provisional import provisional, tried
from forecasting.seasonal_naive import baseline_of
from forecasting.shadow import read_shadow, shadow_against
from forecasting.trials import Trials


@dataclass(frozen=True)
class Challenge:
    """The candidate's bundle and the champion it would replace; `why_none`: why there is none."""

    candidate: Path
    incumbent_folder: Path
    incumbent: Incumbent | None
    why_none: str

    @property
    def rule(self) -> str:
        """Another recipe must be better, the same one on newer data must do no harm."""
        return self.incumbent.rule if self.incumbent else IMPROVEMENT

    @property
    def against(self) -> str:
        """What the candidate is compared with, as named in a backtest and its scores."""
        return CHAMPION if self.incumbent else BASELINE

    @property
    def recipes(self) -> dict[str, Forecaster]:
        """The champion's recipe by name, where the backtest must fit it beside the candidate's."""
        return (
            {CHAMPION: self.incumbent.recipe} if self.incumbent and self.rule == IMPROVEMENT else {}
        )


def challenge_of(candidate: Path, incumbent: Path, recipe: GlobalLightGBM) -> Challenge:
    """The candidate's bundle in one folder against the champion's in another.

    `recipe`: the candidate's, fitted or not.
    """
    candidate_id = read_card(candidate)["model_id"] if (candidate / CARD).exists() else None
    return Challenge(candidate, incumbent, *incumbent_in(incumbent, recipe, candidate_id))


def gate(
    challenge: Challenge,
    params: Params,
    trials: Trials,
    backtest: Backtested,
    scores: pl.DataFrame,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """The decision as decision.json holds it: against the champion, else the baseline.

    `serves`: without a champion and a promotion, the forecaster that serves meanwhile, and why.
    """
    if challenge.why_none == IS_CHAMPION:
        return {
            "candidate": CANDIDATE,
            "incumbent": CHAMPION,
            **asdict(already_champion()),
            "serves": None,
        }
    incumbent = challenge.incumbent
    compared: Backtested | None = backtest
    if incumbent and challenge.rule == NO_HARM:
        compared = backtest_of_refit(
            trials, incumbent, baseline_of(params), plan_of(params, trials.outline), progress
        )
    losses = _losses(challenge, compared)
    tables = tables_of(challenge.candidate, incumbent, trials, params.train.horizon)
    evidence = _evidence(challenge, params, scores, losses, tables)
    decision = decide(evidence, params.evaluate.gate)
    progress(f"candidate's table forecast_s={tables.forecast_s:.1f} churn={decision.churn}")
    cutoffs = [] if compared is None else [str(day) for day in compared.cutoffs]
    serves = None
    if not decision.promote and incumbent is None:
        serves = asdict(provisional(losses, has_table=tables.why_none is None))
    return {
        "candidate": CANDIDATE,
        "incumbent": challenge.against,
        **asdict(decision),
        "incumbent_id": incumbent.model_id if incumbent else None,
        "compared_from": cutoffs,
        "serves": serves,
    }


def _losses(challenge: Challenge, compared: Backtested | None) -> dict[str, Losses]:
    """Of candidate and incumbent on a backtest both stand in, and without a champion of all that
    may serve meanwhile; of nobody where there was no window.
    """
    if compared is None:
        return {}
    others = [] if challenge.incumbent else tried(compared.names)
    names = list(dict.fromkeys([CANDIDATE, challenge.against, *others]))
    found = losses_on(compared, names)
    return dict(zip(names, found, strict=True)) if found[0].cutoffs else {}


def _evidence(
    challenge: Challenge,
    params: Params,
    scores: pl.DataFrame,
    losses: dict[str, Losses],
    tables: Tables,
) -> Evidence:
    """What the gate judges."""
    has_incumbent, rule = challenge.incumbent is not None, challenge.rule
    # a recipe's bias, coverage and slices are its own, however old its fit
    theirs = CANDIDATE if rule == NO_HARM else challenge.against
    return Evidence(
        losses.get(CANDIDATE),
        losses.get(challenge.against),
        ours=guardrail_metrics_of(scores, CANDIDATE),
        theirs=guardrail_metrics_of(scores, theirs, with_slices=has_incumbent),
        rule=rule,
        tables=tables,
        against_live=(
            _against_live(challenge, params) if has_incumbent and rule == IMPROVEMENT else []
        ),
    )


def _against_live(challenge: Challenge, params: Params) -> list[str]:
    """What the shadow of the candidate's recipe has against it."""
    card = challenge.candidate / CARD
    recipe = read_card(challenge.candidate)["params_hash"] if card.exists() else None
    return shadow_against(read_shadow(challenge.incumbent_folder), recipe, params.evaluate.gate)
