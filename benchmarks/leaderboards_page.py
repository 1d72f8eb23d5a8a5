"""The page of all leaderboards: every data set, every level, week and part of the assortment; every number from the result files."""

from __future__ import annotations

from datetime import date
from typing import Any

from benchmarks.markdown import markdown_table
from benchmarks.measured import ROOT, kept
from reports.scores import model_name

PAGE = ROOT / "docs" / "leaderboards.md"
NAMES = {
    "simulator": "Simulator",
    "m5": "M5",
    "rossmann": "Rossmann, nothing known of the days ahead",
    "rossmann_with_plans": "Rossmann, its last 42 days brought as plans",
    "store_item_demand": "Store item demand",
    "freshretailnet": "FreshRetailNet",
    "online_retail": "Online retail",
}
MODELS = ("global_lightgbm", "grouped_average", "window_average", "seasonal_naive")
OURS = "global_lightgbm"
RATIOS = {
    "q500": "a unit short costs as much as a unit left over (50% quantile)",
    "q750": "three times as much (75%)",
    "q835": "five times (83.5%)",
    "q975": "39 times (97.5%)",
}
HEADS = {"wrmsse": "WRMSSE", "wspl": "WSPL", "wape": "WAPE", "bias": "total bias", "coverage_95": "95% covered"}
SHARES = ("bias", "coverage_95", "cost")

Told = dict[str, Any]


def write_page() -> None:
    """docs/leaderboards.md."""
    PAGE.write_text(page_of(kept_boards()), encoding="utf-8")


def kept_boards() -> dict[str, Told]:
    """What was kept, by data set."""
    return {name: told for name in NAMES if (told := kept(f"leaderboard_{name}"))}


def page_of(boards: dict[str, Told]) -> str:
    """The page's text."""
    sections = "\n".join(_section(name, told) for name, told in boards.items())
    return f"""# Leaderboards

Made by `python -m benchmarks.rendered` from `benchmarks/results/leaderboard_*.json`; no number here is typed. Those are kept
by `python -m benchmarks.leaderboards DATA` after `make repro` (simulator, M5), and by `python -m benchmarks.other_data` (all
others, which differ from one another in params alone: the mappings of [tutorial.md](tutorial.md)).

Every number is a mean over cutoffs ± its standard deviation over them; windows scored were never seen by the model that
forecast them. WRMSSE, WSPL: less is better, 1 is about a naive forecast. WAPE: sum of absolute errors over sum of units, series
by day. Bias: positive is too much. In a row, the best mean is bold. *The paired test* draws cutoffs and blocks of series again
and again, the same for both models. Of series that mostly sell nothing (dormant, slow) the WAPE is least for a forecast of zero, which
orders nothing: read it beside the bias.

{sections}"""


def summary(told: Told) -> str:
    """The headline scores, WRMSSE cutoff by cutoff, and what the gate made of it."""
    return f"{_board(told['board'])}\n\n{_by_cutoff(told)}\n\n{_gate(told['decision'])}"


def _section(name: str, told: Told) -> str:
    first, *_, last = [*told["cutoffs"], told["cutoffs"][-1]]
    models = [model for model in MODELS if model in told["board"]]
    words = [model_name(model) for model in models]
    many = (
        f"{len(told['cutoffs'])} cutoffs from {first} to {last}" if len(told["cutoffs"]) > 1 else f"one cutoff, {last}"
    )
    levels = [level for level in told["levels"][OURS] if level != "average"]
    parts = list(told["parts"][OURS])
    by_level = [[level, *_cells(told["levels"], models, level, "wrmsse")] for level in levels]
    by_part = [[part.replace("_", " "), *_cells(told["parts"], models, part, "wape")] for part in parts]
    return f"""## {NAMES[name]}

{told["series"]:,} series, {told["first_day"]} to {told["last_day"]}, {many}.

{_board(told["board"])}

{_gate(told["decision"])}

{markdown_table(["WRMSSE by level", *words], by_level)}

{markdown_table(["WAPE by week ahead and part", *words], by_part)}

{_money(told, models)}

{_simpler(told, models, levels, parts)}
"""


def _by_cutoff(told: Told) -> str:
    """How the score moves from window to window, as the history grows."""
    first = date.fromisoformat(told["first_day"])
    days = [str((date.fromisoformat(cutoff) - first).days + 1) for cutoff in told["cutoffs"]]
    rows = [[model_name(model), *(f"{value:.3f}" for value in by)] for model, by in told["by_cutoff"].items()]
    return markdown_table(["WRMSSE at cutoff", *told["cutoffs"]], [["days of history", *days], *rows])


def _money(told: Told, models: list[str]) -> str:
    """The newsvendor's cost by the critical ratio a planner stocks for."""
    if "money" not in told:
        return ""
    rows = [[words, *_cells(told["money"], models, ratio, "cost")] for ratio, words in RATIOS.items()]
    return markdown_table(
        ["cost of each day's stock, share of revenue", *(model_name(model) for model in models)], rows
    )


def _gate(decision: Told) -> str:
    """What the paired test and the guardrails made of it."""
    ended = "promoted" if decision["promote"] else "held back"
    against = f"against the {model_name(decision['incumbent'])} {decision['relative_difference']:+.1%} of its WRMSSE"
    return f"*The gate* (paired test and guardrails): {against}, {ended}: {'; '.join(decision['reasons'])}."


def _board(board: Told) -> str:
    ranked = sorted(board.items(), key=lambda pair: pair[1].get("wrmsse", float("inf")))
    rows = [[model_name(model), *(_headline(scores, metric) for metric in HEADS)] for model, scores in ranked]
    return markdown_table(["model", *HEADS.values()], rows)


def _headline(scores: dict[str, float], metric: str) -> str:
    return _number([scores[metric], scores[f"{metric}_spread"]], metric) if metric in scores else "-"


def _number(told: list[float], metric: str) -> str:
    mean, spread = told
    if metric in SHARES:
        return f"{mean:{'+' if metric == 'bias' else ''}.1%} ± {spread:.1%}"
    return f"{mean:.3f} ± {spread:.3f}"


def _cells(told: Told, models: list[str], name: str, metric: str) -> list[str]:
    best = _best(told, models, name, metric)
    words = {
        model: _number(told[model][name][metric], metric) if _has(told, model, name, metric) else "-"
        for model in models
    }
    return [f"**{cell}**" if model in best else cell for model, cell in words.items()]


def _best(told: Told, models: list[str], name: str, metric: str) -> list[str]:
    """The models of the least mean; none where all are alike."""
    means = {model: told[model][name][metric][0] for model in models if _has(told, model, name, metric)}
    best = [model for model, mean in means.items() if mean == min(means.values())]
    return best if len(best) < len(means) else []


def _has(told: Told, model: str, name: str, metric: str) -> bool:
    return metric in told.get(model, {}).get(name, {})


def _simpler(told: Told, models: list[str], levels: list[str], parts: list[str]) -> str:
    """Where a simpler model has the better mean, said in words."""
    looked = [(told["levels"], level, "wrmsse") for level in levels] + [(told["parts"], part, "wape") for part in parts]
    lost = [
        f"{name.replace('_', ' ') if scores is told['parts'] else name} ({model_name(best[0])})"
        for scores, name, metric in looked
        if (best := _best(scores, models, name, metric)) and OURS not in best
    ]
    return (
        f"A simpler model has the better mean at: {', '.join(lost)}."
        if lost
        else "No simpler model is better in any row."
    )
