"""Tables of measured results, written into documents between two marks; nothing between them is typed.

run     python -m benchmarks.rendered      every document's with such marks, and docs/leaderboards.md, from benchmarks/results/
"""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks import leaderboards_page
from benchmarks.headlines import leaderboard, measured_lines
from benchmarks.markdown import markdown_table
from benchmarks.measured import RESULTS, ROOT


def main() -> None:
    """Every section of every document whose result file is there."""
    for document in sections():
        path = ROOT / document
        path.write_text(rendered(path.read_text(encoding="utf-8"), document), encoding="utf-8")
    leaderboards_page.write_page()


def rendered(text: str, document: str) -> str:
    """The document's text with what was measured between its marks."""
    for name, section in sections()[document].items():
        text = replaced(text, name, section)
    return text


def sections() -> dict[str, dict[str, str]]:
    """Document -> name of the marks -> what stands between them."""
    design = {
        "gate": _gate, "cadence": _cadence, "launches": _launches, "daily_path_m5": _daily_path, "scale": _growth,
        "budget": _budget, "costs_m5": _costs, "where_time_goes_m5": _where_time_goes, "lags_and_windows": _engine,
        "models_m5": _improvement, "ablation_m5": _ablation,
    }  # fmt: skip
    measured = markdown_table(["what", "measured", "command"], [list(line) for line in measured_lines()])
    tutorial = ("rossmann", "rossmann_with_plans")
    return {
        "docs/tutorial.md": {
            name: leaderboard(result(f"leaderboard_{name}")) for name in tutorial if is_kept(f"leaderboard_{name}")
        },
        "system_design.md": {name: make(result(name)) for name, make in design.items() if is_kept(name)},
        "README.md": {"leaderboard": leaderboard(result("leaderboard_simulator")), "measured": measured},
    }


def result(name: str) -> dict[str, Any]:
    """What a benchmark kept."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def is_kept(name: str) -> bool:
    """Whether that benchmark ever ran."""
    return (RESULTS / f"{name}.json").exists()


def replaced(text: str, name: str, section: str) -> str:
    """The text with the section between its marks; KeyError when it has no such marks."""
    begin, end = f"<!-- {name}: begin, made by benchmarks.rendered -->", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise KeyError(f"no marks for '{name}'")
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{section}\n{end}", text, flags=re.DOTALL
    )


def _gate(told: dict[str, Any]) -> str:
    """One row per kind of pair, one column per true gain; before: the old rule."""
    rows = []
    for world in ("simulator", "m5"):
        for kind, by_gain in told.get(world, {}).items():
            if isinstance(by_gain, dict):
                for rule in ("now", "before"):
                    told_gains = [_share(by_gain, gain, rule) for gain in GAINS]
                    rows += [[world, kind, rule, *told_gains]] if any(told_gains) else []
    table = markdown_table(["data", "pairs", "rule", *(f"better by {gain}" for gain in GAINS)], rows)
    harm = told["no harm"]
    passed = ["passed as a refit (no harm, one window)", *(f"{share:.1%}" for share in harm.values())]
    return f"{table}\n\n{markdown_table(['a sibling worse by', *harm], [passed])}"


def _daily_path(told: dict[str, Any]) -> str:
    rows = [
        [f"`{step['step']}`" if "cpu_s" in step and "runs" in step else step["step"], f"{step['seconds']:.1f}",
         f"{step['cpu_s']:.1f}", f"{step['peak_mb']:,}"]
        for step in [*told["steps"], told["total"]]
    ]  # fmt: skip
    return markdown_table(["step", "seconds", "CPU seconds", "peak MB"], rows)


MILLION = 1_000_000


def _growth(told: dict[str, Any]) -> str:
    """One row per size, one column per stage; the slopes below."""
    stages = list(told["slopes"]["s"])
    rows = [
        [f"{int(size):,}", *(f"{at[stage]['s']:.1f} s, {at[stage]['mb']:,} MB" for stage in stages)]
        for size, at in told["sizes"].items()
    ]
    slopes = [
        [f"slope of {name}", *(f"{told['slopes'][what][stage]:.2f}" for stage in stages)]
        for what, name in (("s", "seconds"), ("mb", "memory"))
    ]
    last = list(told["sizes"])[-1]
    times = MILLION / int(last)
    beyond = [
        f"{at['s'] * times ** told['slopes']['s'][stage]:.0f} s, {at['mb'] * times ** told['slopes']['mb'][stage]:,.0f} MB"
        for stage, at in told["sizes"][last].items()
    ]
    return markdown_table(["series", *stages], [*rows, *slopes, [f"{MILLION:,}, drawn out by the slopes", *beyond]])


def _engine(told: dict[str, Any]) -> str:
    """One row per data set and side."""
    words = {"mlforecast": "mlforecast", "ours": "ours, held to the end", "ours_in_pieces": "ours, in pieces"}
    rows = []
    for made in told["compared"]:
        for side, name in words.items():
            ratios = (
                [f"{made['times_faster'][side]}x", str(made["share_of_memory"][side])]
                if side != "mlforecast"
                else ["", ""]
            )
            seconds, mb = f"{made[side]['median_s']:.2f}", f"{made[side]['took_mb']:,}"
            rows.append([f"{made['ours']['told']['rows']:,}", name, seconds, mb, *ratios])
    return markdown_table(["rows", "side", "seconds", "MB taken", "times faster", "of its memory"], rows)


def _costs(told: dict[str, Any]) -> str:
    rows = [[f"a fit: {name}", f"{seconds:.1f}"] for name, seconds in told["steps"].items()]
    over = f"the whole fit ({told['overhead']:.0%} over training alone)"
    wholes = [[over, f"{told['fit_s']:.1f}"], ["a forecast", f"{told['forecast_s']:.1f}"]]
    backtests = [
        [
            f"{told['cutoffs']} cutoffs, {made['fits']} fits ({made['ratio']} times one fit and {told['cutoffs']} forecasts)",
            f"{made['seconds']:.1f}",
        ]
        for made in told["backtests"]
    ]
    return markdown_table(["M5", "seconds"], [*rows, *wholes, *backtests])


STEPS_UP = (  # from the simplest baseline: model, the step in words, what it costs and can break
    ("seasonal_naive", "seasonal naive, the baseline", "one strange week becomes four; cannot know a pay day"),
    ("window_average", "mean of 8 same weekdays", "lags behind every change of level by a month"),
    ("grouped_average", "+ group step", "needs groups of hundreds of series, and events that come again"),
    ("global_lightgbm", "booster instead of the mean", "a model to keep and to refit, guards against unknown features"),
)
BESIDE = {
    "lightgbm_without_groups": "the booster without the group step",
    "mlforecast_lightgbm": "mlforecast with LightGBM at its defaults, the lags of its M5 example",
    "linear_same_features": "ridge regression on the booster's features",
    "auto_ets_top_down": "AutoETS on the groups, spread by the mean of 8 weekdays",
}


def _improvement(told: dict[str, Any]) -> str:
    """The way from the baseline, then what stands beside it."""
    head = ["step", "WRMSSE", "upper", "items", "bias", "fit s", "forecast s", "MB", "what it costs and can break"]
    steps = [[words, *_costs_of(told["told"][model]), harm] for model, words, harm in STEPS_UP]
    beside = [[words, *_costs_of(told["told"][model]), "beside"] for model, words in BESIDE.items()]
    return f"Cutoffs {', '.join(told['cutoffs'])}:\n\n{markdown_table(head, [*steps, *beside])}"


def _costs_of(row: dict[str, Any]) -> list[str]:
    scores = [f"{row[name]:.3f}" for name in ("wrmsse", "upper", "items")]
    cost = [f"{row['fit_s']:.0f}", f"{row['forecast_s']:.0f}", f"{max(row['fit_mb'], row['forecast_mb']):,.0f}"]
    return [*scores, f"{row['bias']:+.1%}", *cost]


def _ablation(told: dict[str, Any]) -> str:
    whole = told["told"]["as shipped"]
    rows = [
        [name, f"{row['wrmsse']:.3f}", f"{row['wrmsse'] - whole['wrmsse']:+.3f}",
         f"{sum(there > here for there, here in zip(row['by_cutoff'], whole['by_cutoff'], strict=True))} of {len(whole['by_cutoff'])}",
         *_costs_of(row)[1:]]
        for name, row in told["told"].items()
    ]  # fmt: skip
    head = ["left out", "WRMSSE", "change", "worse at", "upper", "items", "bias", "fit s", "forecast s", "MB"]
    return f"Cutoffs {', '.join(told['cutoffs'])}:\n\n{markdown_table(head, rows)}"


def _where_time_goes(told: dict[str, Any]) -> str:
    rows = [
        [f"`{door}`, {made['seconds']:.1f} s", f"`{place}`" if "." in place else place, f"{seconds:.1f}",
         f"{seconds / made['seconds']:.0%}"]
        for door, made in told["doors"].items()
        for place, seconds in made["by"].items()
    ]  # fmt: skip
    return markdown_table(["door", "in", "seconds", "share"], rows)


def _budget(told: dict[str, Any]) -> str:
    rows = [
        [row["world"], f"`{row['door']}.py`", f"{row['budget_mb']:,}" if row["budget_mb"] else "none",
         f"{row['said_mb']:,.0f}" if row["said_mb"] else "more", f"{row['peak_mb']:,}", row["ended"], f"{row['seconds']:.0f}"]
        for row in told["rows"]
    ]  # fmt: skip
    return markdown_table(["world", "door", "budget", "said", "held", "ended", "seconds"], rows)


GAINS = ("0.0%", "0.5%", "1.0%", "2.0%", "5.0%", "10.0%")


def _share(by_gain: dict[str, Any], gain: str, rule: str) -> str:
    return f"{by_gain[gain][rule]:.1%}" if gain in by_gain else ""


def _cadence(told: dict[str, Any]) -> str:
    tables = []
    for world in ("simulator", "m5"):
        if world in told:
            tables += [_by_cadence(world, told[world])] if "cadences" in told[world] else []
            tables += [_by_age(world, told[world])]
    return "\n\n".join(tables)


def _by_cadence(world: str, told: dict[str, Any]) -> str:
    first, last, count = told["origins"]
    head = f"{world}, {told['series']} series, {count} origins {first} to {last}: refit"
    return markdown_table([head, "WRMSSE", "loss against daily", "churn a week", "fit s a week"], cadence_rows(told))


def cadence_rows(told: dict[str, Any]) -> list[list[str]]:
    """Cells of one world's cadences: name, WRMSSE, loss against daily, churn, seconds of fitting a week."""
    return [
        [
            name,
            f"{row['wrmsse']:.4f}",
            f"{row['loss_to_daily'] - 1:+.2%} ± {row['standard_error']:.2%}",
            f"{row['churn']:.1%}",
            f"{row['fit_s_a_week']:.1f}",
        ]
        for name, row in told["cadences"].items()
    ]


def _by_age(world: str, told: dict[str, Any]) -> str:
    by_age = told["loss_by_age"]
    rows = [["loss against a fit of the day", *(f"{r['ratio'] - 1:+.2%} ± {r['error']:.2%}" for r in by_age.values())]]
    origins = ["origins", *(str(r["origins"]) for r in by_age.values())]
    return markdown_table([f"{world}, {told['series']} series: age of the fit, days", *by_age], [*rows, origins])


def _launches(told: dict[str, Any]) -> str:
    return markdown_table(*launch_lines(told))


def launch_lines(told: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and lines: one per data set and age, WAPE (and bias) of each model."""
    ages = ["not sold yet", "1 to 2 weeks", "3 to 4 weeks", "5 to 8 weeks", "older"]
    models = ["global_lightgbm", "window_average", "seasonal_naive"]
    worlds = [name for name in ("simulator", "m5") if name in told]
    cells = {(name, row["model"], row["age"]): row for name in worlds for row in told[name]["rows"]}
    lines = []
    for name in worlds:
        for age in ages:
            rows = [cells[name, model, age] for model in models if (name, model, age) in cells]
            if rows:
                told_errors = [_errors(row) for row in rows]
                lines.append([name, age, f"{rows[0]['series_days']:,}", f"{rows[0]['units']:,.0f}", *told_errors])
    return ["data", "since the first sale", "series-days", "units", *models], lines


def _errors(row: dict[str, Any]) -> str:
    return f"{row['wape']:.3f} ({row['bias']:+.0%})" if row["units"] else ""


if __name__ == "__main__":
    main()
