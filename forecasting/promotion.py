"""The gate: who becomes champion.

A changed recipe must be better beyond chance, a refit must do no harm; guardrails hold for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from contract.params import GateParams
from forecasting.paired import Difference, Losses, difference, level_difference, relative_of

IMPROVEMENT, NO_HARM = "improvement", "no harm"
# a refit has one window, in which a sibling's headline is off by 2%: with the 95% of another recipe
# only one of four equal refits would pass, and the champion would grow old (docs/results/gate.md)
REFIT_CONFIDENCE = 0.5
ONLY_GUARDRAILS = (
    "the same recipe on newer data, and too few days the champion has not seen: "
    "only the guardrails speak"
)
NOTHING_WEIGHS = "no window of the backtest has a known day, revenue and a scale to be judged by"


@dataclass(frozen=True)
class Decision:
    """Whether to promote, how sure, by how much, and why.

    `relative_difference`: of the headline, WRMSSE over all levels; negative is better.

    `rule`: improvement or no harm. `confidence` None: one window and one block of series are no
    evidence; `relative_difference` None: there was no window to compare on.
    """

    promote: bool
    confidence: float | None
    relative_difference: float | None
    reasons: list[str]
    rule: str = IMPROVEMENT
    churn: float | None = None


@dataclass(frozen=True)
class GuardrailMetrics:
    """What the guardrails look at: bias, coverage, WAPE by slice.

    `bias`: the mean over cutoffs of the total's absolute bias, so that signs do not cancel.
    `coverage_95`: how much of the days the 95% interval covered.
    """

    bias: float
    coverage_95: float | None
    wape_by_slice: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Tables:
    """The candidate's own table beside the champion's, from the same day.

    `churn`: share of the champion's units that it moves; None where no champion makes a table.
    `forecast_s`: seconds it took to make. `why_none`: why the candidate's bundle makes no table.
    """

    churn: float | None = None
    forecast_s: float = 0.0
    why_none: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What speaks for the candidate and for what it would replace.

    Losses are of the same windows; None: there was no window to compare on.
    `against_live`: what the candidate's shadow on live days has against it (forecasting.shadow).
    """

    candidate: Losses | None
    incumbent: Losses | None
    ours: GuardrailMetrics
    theirs: GuardrailMetrics
    rule: str = IMPROVEMENT
    tables: Tables | None = None
    against_live: Sequence[str] = ()


def decide(evidence: Evidence, params: GateParams) -> Decision:
    """The decision with every reason against, or the ones in favour.

    A guardrail broken by both sides blocks only a candidate that breaks it further: keeping the
    worse one would guard nothing.
    """
    candidate, incumbent = evidence.candidate, evidence.incumbent
    rule, tables = evidence.rule, evidence.tables
    guards = [
        *_guardrails_against(evidence.ours, evidence.theirs, params),
        *_tables_against(tables, params),
        *evidence.against_live,
    ]
    churn = round(tables.churn, 4) if tables and tables.churn is not None else None
    if candidate is None or incumbent is None:
        against = [*([] if rule == NO_HARM else [NOTHING_WEIGHS]), *guards]
        return Decision(not against, None, None, against or [ONLY_GUARDRAILS], rule, churn)
    # blocks of one window judge a refit; of another day they say nothing
    is_enough = rule == NO_HARM or candidate.cutoffs > 1
    found = difference(candidate, incumbent) if is_enough else None
    confidence = confidence_of(found, params, rule)
    relative = relative_of(candidate, incumbent)
    finding = _finding(confidence, rule, params)
    against = [
        *_difference_against(finding, confidence, relative, rule, params),
        *_levels_against(candidate, incumbent, params),
        *guards,
    ]
    favour = [f"{finding}, by {-relative:.1%}"]
    return Decision(not against, confidence, relative, against or favour, rule, churn)


def already_champion() -> Decision:
    """The candidate is the champion, fitted again on the same data: it goes on serving."""
    return Decision(True, None, None, ["it is the champion already"], NO_HARM)


def confidence_of(
    found: Difference | None, params: GateParams, rule: str = IMPROVEMENT
) -> float | None:
    """The probability that the candidate holds to its rule; None without evidence.

    Better by more than chance gives a sibling (`min_gain`), or, for a refit, not worse by more than
    `max_loss`.
    """
    if found is None:
        return None
    return found.probability_below(params.max_loss if rule == NO_HARM else -params.min_gain)


def needed(params: GateParams, rule: str) -> float:
    """The confidence a rule asks for."""
    return REFIT_CONFIDENCE if rule == NO_HARM else params.confidence


def _finding(confidence: float | None, rule: str, params: GateParams) -> str:
    if confidence is None:
        few = "one window and one block of series are" if rule == NO_HARM else "one window is"
        return f"{few} too few to say whether it is {_claim(rule, params)}"
    return f"{_claim(rule, params)} with {confidence:.1%} confidence"


def _difference_against(
    finding: str, confidence: float | None, relative: float, rule: str, params: GateParams
) -> list[str]:
    """Too little to tell holds back what must be better, and a refit only if it is harm.

    Nor may the mean headline, in which a loud window counts for more, be worse than is allowed.
    """
    need = needed(params, rule)
    if confidence is not None and not confidence >= need:
        return [f"{finding}, {need:.0%} needed"]
    is_bearable = relative < (params.max_loss if rule == NO_HARM else 0.0)
    if is_bearable and (confidence is not None or rule == NO_HARM):
        return []
    return [f"{finding}; its mean WRMSSE is {relative:+.1%}"]


def _levels_against(candidate: Losses, incumbent: Losses, params: GateParams) -> list[str]:
    """A level that got worse by more than is allowed, beyond chance: the first from the top."""
    for level in range(candidate.by_level.shape[1]):
        found = level_difference(candidate, incumbent, level)
        if found is None or found.relative <= params.max_level_loss:
            continue
        if not 1 - found.probability_below(0.0) < params.confidence:
            return [
                f"WRMSSE of level {level + 1} from the top is {found.relative:+.1%}, "
                f"{params.max_level_loss:.0%} allowed"
            ]
    return []


def _claim(rule: str, params: GateParams) -> str:
    if rule == NO_HARM:
        return f"no worse than {params.max_loss:.1%}"
    return f"better by {params.min_gain:.1%}" if params.min_gain else "better"


def _guardrails_against(
    ours: GuardrailMetrics, theirs: GuardrailMetrics, params: GateParams
) -> list[str]:
    against = []
    # an unknown bias is too much
    if not ours.bias <= max(params.max_abs_bias, np.nan_to_num(theirs.bias)):
        against.append(
            f"the total is off by {ours.bias:.1%} a cutoff, {params.max_abs_bias:.0%} allowed"
        )
    if ours.coverage_95 is not None and not _gap(ours) <= max(
        params.max_coverage_gap, _gap(theirs)
    ):
        against.append(f"the 95% interval covered {ours.coverage_95:.1%}")
    shared = ours.wape_by_slice.keys() & theirs.wape_by_slice.keys()
    worse = {
        name: ours.wape_by_slice[name] / max(theirs.wape_by_slice[name], 1e-12) - 1
        for name in shared
    }
    if any(not loss <= params.max_slice_loss for loss in worse.values()):
        name = max(sorted(worse), key=lambda one: np.nan_to_num(worse[one], nan=np.inf))
        against.append(
            f"WAPE of slice {name} is {worse[name]:+.1%}, {params.max_slice_loss:.0%} allowed"
        )
    return against


def _tables_against(tables: Tables | None, params: GateParams) -> list[str]:
    if tables is None:
        return []
    if tables.why_none is not None:
        return [f"its bundle cannot answer today: {tables.why_none}"]
    against = []
    if tables.churn is not None and not tables.churn <= params.max_churn:
        against.append(
            f"its table moves {tables.churn:.1%} of the champion's units, "
            f"{params.max_churn:.0%} allowed"
        )
    if tables.forecast_s > params.max_forecast_s:
        # without the seconds it took: the same data, the same file
        against.append(f"a table takes longer than {params.max_forecast_s:g} s")
    return against


def _gap(metrics: GuardrailMetrics) -> float:
    return 0.0 if metrics.coverage_95 is None else abs(metrics.coverage_95 - 0.95)
