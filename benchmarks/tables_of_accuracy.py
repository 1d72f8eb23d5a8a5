"""Tables of how good the forecasts are, each from the result file of its benchmark."""

from __future__ import annotations

from datetime import date
from typing import Any

from benchmarks import leaderboards_page
from benchmarks.markdown import markdown_table
from contract.quantiles import QUANTILES


def gate(told: dict[str, Any]) -> str:
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


def improvement(told: dict[str, Any]) -> str:
    """The way from the baseline, then what stands beside it."""
    head = ["step", "WRMSSE", "upper", "items", "bias", "fit s", "forecast s", "MB", "what it costs and can break"]
    steps = [[words, *_costs_of(told["told"][model]), harm] for model, words, harm in STEPS_UP]
    beside = [[words, *_costs_of(told["told"][model]), "beside"] for model, words in BESIDE.items()]
    return f"Cutoffs {', '.join(told['cutoffs'])}:\n\n{markdown_table(head, [*steps, *beside])}"


def _costs_of(row: dict[str, Any]) -> list[str]:
    scores = [f"{row[name]:.3f}" for name in ("wrmsse", "upper", "items")]
    cost = [f"{row['fit_s']:.0f}", f"{row['forecast_s']:.0f}", f"{max(row['fit_mb'], row['forecast_mb']):,.0f}"]
    return [*scores, f"{row['bias']:+.1%}", *cost]


def other_data(boards: dict[str, dict[str, Any]]) -> str:
    """One row per data set that is not ours: accuracy, and what the doors cost."""
    rows = []
    for name, told in boards.items():
        if doors := told.get("doors"):
            ours, average, naive = (
                told["board"][model] for model in ("global_lightgbm", "window_average", "seasonal_naive")
            )
            days = (date.fromisoformat(told["last_day"]) - date.fromisoformat(told["first_day"])).days + 1
            rows.append(
                [
                    leaderboards_page.NAMES[name],
                    f"{told['series']:,} x {days:,}",
                    f"{ours['wrmsse']:.3f} ± {ours['wrmsse_spread']:.3f}",
                    f"{average['wrmsse']:.3f}",
                    f"{naive['wrmsse']:.3f}",
                    f"{ours['bias']:+.1%}",
                    f"{ours['coverage_95']:.1%}",
                    f"{doors[0]['told']['rows_in']:,}",
                    ", ".join(f"{door['seconds']:.0f}" for door in doors),
                    f"{max(door['rss_mb'] for door in doors):,}",
                ]
            )
    heads = ["data", "series x days", "LightGBM WRMSSE", "8 weekdays", "naive", "bias", "95% covered", "rows in"]
    return markdown_table([*heads, "s: fill, train, evaluate, forecast", "MB"], rows)


def ablation(told: dict[str, Any]) -> str:
    whole = told["told"]["as shipped"]
    rows = [
        [name, f"{row['wrmsse']:.3f}", f"{row['wrmsse'] - whole['wrmsse']:+.3f}",
         f"{sum(there > here for there, here in zip(row['by_cutoff'], whole['by_cutoff'], strict=True))} of {len(whole['by_cutoff'])}",
         *_costs_of(row)[1:]]
        for name, row in told["told"].items()
    ]  # fmt: skip
    head = ["left out", "WRMSSE", "change", "worse at", "upper", "items", "bias", "fit s", "forecast s", "MB"]
    return f"Cutoffs {', '.join(told['cutoffs'])}:\n\n{markdown_table(head, rows)}"


GAINS = ("0.0%", "0.5%", "1.0%", "2.0%", "5.0%", "10.0%")


def _share(by_gain: dict[str, Any], gain: str, rule: str) -> str:
    return f"{by_gain[gain][rule]:.1%}" if gain in by_gain else ""


def cadence(told: dict[str, Any]) -> str:
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


def launches(told: dict[str, Any]) -> str:
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


def live_replay(by_source: dict[str, dict[str, Any]]) -> str:
    """One row per deployment: promised, live; and the naive's."""
    rows = [
        [leaderboards_page.NAMES[source], one["cutoff"],
         *(_promised_and_live(one, "global_lightgbm", metric) for metric in LIVE_METRICS),
         _promised_and_live(one, "seasonal_naive", "wrmsse")]
        for source, told in by_source.items()
        for one in told["deployments"]
    ]  # fmt: skip
    heads = ["WRMSSE promised, live", "WAPE", "bias", "95% interval covers", "naive's WRMSSE"]
    return markdown_table(["data", "deployed", *heads], rows)


LIVE_METRICS = ("wrmsse", "wape", "bias", "coverage_95")


def _promised_and_live(one: dict[str, Any], model: str, metric: str) -> str:
    form = {"bias": "+.1%", "coverage_95": ".1%"}.get(metric, ".3f")
    promised = one["promised"][model][metric]
    return f"{'-' if promised is None else format(promised, form)}, {one['live'][model][metric]:{form}}"


SHOWN_LEVELS = {
    "total": "total",
    "store_id": "store",
    "store_id*dept_id": "store-department",
    "item_id": "item",
    "series": "series",
}


def shares_below(told: dict[str, Any]) -> str:
    """M5: the share of outcomes below each quantile, by level, after calibration."""
    parts = {part["level"]: part for part in told["m5"]["parts"] if part["kind"] == "level" and part["side"] == "after"}
    rows = [
        [words, *(f"{100 * parts[level][f'below_{name}']:.1f}" for name in QUANTILES)]
        for level, words in SHOWN_LEVELS.items()
    ]
    return markdown_table(["level", *(f"{100 * probability:g}%" for probability in QUANTILES.values())], rows)
