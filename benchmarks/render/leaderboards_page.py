"""The page of all leaderboards: every data set, every level, week and part of the assortment; every
number from the result files.
"""

from __future__ import annotations

from datetime import date

from benchmarks.harness.results import Result, kept
from benchmarks.render.markdown import markdown_table, paragraph
from reports.scores import model_name

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
HEADS = {
    "wrmsse": "WRMSSE",
    "wspl": "WSPL",
    "wape": "WAPE",
    "bias": "total bias",
    "coverage_95": "95% covered",
}
SHARES = ("bias", "coverage_95", "cost")


def kept_boards() -> dict[str, Result]:
    """What was kept, by data set."""
    return {name: result for name in NAMES if (result := kept(f"leaderboard_{name}"))}


def page_of(boards: dict[str, Result]) -> str:
    """The page's text."""
    sections = "\n".join(_section(name, result) for name, result in boards.items())
    return f"""# Leaderboards

Made by `python -m benchmarks render` from `benchmarks/results/leaderboard_*.json`; no number here
is typed. Those are kept by `python -m benchmarks run leaderboards --data DATA` after `make repro`
(simulator, M5), and by `python -m benchmarks run other_data` (all others, which differ from one
another in params alone: the mappings of [tutorial.md](../tutorial.md)).

Every number is a mean over cutoffs ± its standard deviation over them; windows scored were never
seen by the model that forecast them. WRMSSE, WSPL: less is better; the scale counts open, known
days, so 1 is about a naive forecast. WAPE: sum of absolute errors over sum of units, series by day.
Bias: positive is too much. In a row, the best mean is bold. *The paired test* takes the log ratio
of both models' WRMSSE at each cutoff; how sure it is comes from their spread and a jackknife over
stores. Of series that mostly sell nothing (dormant, slow) the WAPE is least for a forecast of zero,
which orders nothing: read it beside the bias.

{sections}"""


def summary(result: Result) -> str:
    """The headline scores, WRMSSE cutoff by cutoff, and what the gate made of it."""
    return f"{_board(result['board'])}\n\n{_by_cutoff(result)}\n\n{_gate(result['decision'])}"


def _section(name: str, result: Result) -> str:
    cutoffs: list[str] = result["cutoffs"]
    models = [model for model in MODELS if model in result["board"]]
    words = [model_name(model) for model in models]
    many = (
        f"{len(cutoffs)} cutoffs from {cutoffs[0]} to {cutoffs[-1]}"
        if len(cutoffs) > 1
        else f"one cutoff, {cutoffs[-1]}"
    )
    levels = [level for level in result["levels"][OURS] if level != "average"]
    parts = list(result["parts"][OURS])
    by_level = [[level, *_cells(result["levels"], models, level, "wrmsse")] for level in levels]
    by_part = [
        [part.replace("_", " "), *_cells(result["parts"], models, part, "wape")] for part in parts
    ]
    return f"""## {NAMES[name]}

{result["series"]:,} series, {result["first_day"]} to {result["last_day"]}, {many}.

{_board(result["board"])}

{_gate(result["decision"])}

{markdown_table(["WRMSSE by level", *words], by_level)}

{markdown_table(["WAPE by week ahead and part", *words], by_part)}

{_money(result, models)}

{_simpler(result, models, levels, parts)}
"""


def _by_cutoff(result: Result) -> str:
    """How the score moves from window to window, as the history grows."""
    first = date.fromisoformat(result["first_day"])
    days = [str((date.fromisoformat(cutoff) - first).days + 1) for cutoff in result["cutoffs"]]
    rows = [
        [model_name(model), *(f"{value:.3f}" for value in by)]
        for model, by in result["by_cutoff"].items()
    ]
    return markdown_table(
        ["WRMSSE at cutoff", *result["cutoffs"]], [["days of history", *days], *rows]
    )


def _money(result: Result, models: list[str]) -> str:
    """The newsvendor's cost by the critical ratio a planner stocks for."""
    if "money" not in result:
        return ""
    rows = [
        [words, *_cells(result["money"], models, ratio, "cost")] for ratio, words in RATIOS.items()
    ]
    return markdown_table(
        ["cost of each day's stock, share of revenue", *(model_name(model) for model in models)],
        rows,
    )


def _gate(decision: Result) -> str:
    """What the paired test and the guardrails made of it."""
    ended = "promoted" if decision["promote"] else "held back"
    difference = f"{decision['relative_difference']:+.1%} of its WRMSSE"
    against = f"against the {model_name(decision['incumbent'])} {difference}"
    reasons = "; ".join(decision["reasons"])
    return paragraph(f"*The gate* (paired test and guardrails): {against}, {ended}: {reasons}.")


def _board(board: Result) -> str:
    ranked = sorted(board.items(), key=lambda pair: pair[1].get("wrmsse", float("inf")))
    rows = [
        [model_name(model), *(_headline(scores, metric) for metric in HEADS)]
        for model, scores in ranked
    ]
    return markdown_table(["model", *HEADS.values()], rows)


def _headline(scores: dict[str, float], metric: str) -> str:
    return (
        _number([scores[metric], scores[f"{metric}_spread"]], metric) if metric in scores else "-"
    )


def _number(result: list[float], metric: str) -> str:
    mean, spread = result
    if metric in SHARES:
        return f"{mean:{'+' if metric == 'bias' else ''}.1%} ± {spread:.1%}"
    return f"{mean:.3f} ± {spread:.3f}"


def _cells(result: Result, models: list[str], name: str, metric: str) -> list[str]:
    best = _best(result, models, name, metric)
    words = {
        model: _number(result[model][name][metric], metric)
        if _has(result, model, name, metric)
        else "-"
        for model in models
    }
    return [f"**{cell}**" if model in best else cell for model, cell in words.items()]


def _best(result: Result, models: list[str], name: str, metric: str) -> list[str]:
    """The models of the least mean; none where all are alike."""
    means = {
        model: result[model][name][metric][0]
        for model in models
        if _has(result, model, name, metric)
    }
    best = [model for model, mean in means.items() if mean == min(means.values())]
    return best if len(best) < len(means) else []


def _has(result: Result, model: str, name: str, metric: str) -> bool:
    return metric in result.get(model, {}).get(name, {})


def _simpler(result: Result, models: list[str], levels: list[str], parts: list[str]) -> str:
    """Where a simpler model has the better mean, said in words."""
    looked = [(result["levels"], level, "wrmsse") for level in levels] + [
        (result["parts"], part, "wape") for part in parts
    ]
    lost = [
        f"{name.replace('_', ' ') if scores is result['parts'] else name} ({model_name(best[0])})"
        for scores, name, metric in looked
        if (best := _best(scores, models, name, metric)) and OURS not in best
    ]
    if not lost:
        return "No simpler model is better in any row."
    return paragraph(f"A simpler model has the better mean at: {', '.join(lost)}.")
