"""monitoring.md's numbers, written between its marks from benchmarks/results/: nothing between them is typed.

run     make monitoring, or python -m benchmarks.monitoring_tables
"""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.markdown import between_marks, markdown_table
from benchmarks.measured import ROOT, kept
from drills.drift_shapes import SHAPES
from forecasting.recalibration import CLASSES
from monitoring.covariates import QUESTIONS

DOCUMENT = ROOT / "monitoring.md"
CURVES = ROOT / "docs" / "drift_delay.svg"
FAMILIES = ("signals", "fixed limits", "plain tests")
replaced = partial(between_marks, maker="benchmarks.monitoring_tables")
COUNTED = ("signals", "newest table", "fixed limits", "plain tests")


def main() -> None:
    """The document anew, and the curves beside it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, section in sections().items():
        text = replaced(text, name, section)
    DOCUMENT.write_text(text, encoding="utf-8")
    if told := kept("drift_curves"):
        draw(told)


def sections() -> dict[str, str]:
    """Name of the marks -> what stands between them, of every result that is there."""
    made = {
        "false_alarms": _false_alarms,
        "drift_curves": _drift_curves,
        "remedies": _remedies,
        "covariate_drift": _covariate_drift,
        "sequential_tests": _sequential_tests,
        "slow_doors": _slow_doors,
        "steady_doors": _steady_doors,
        "outlook": _outlook,
        "recalibration": _recalibration,
        "ml_test_score": _ml_test_score,
    }
    return {name: make(told) for name, make in made.items() if (told := kept(name))}


def _false_alarms(told: dict[str, Any]) -> str:
    """One row per watcher, one column per set of worlds; and the sum of each family."""
    sets = list(told)
    head = ["false alarms per quarter", *(f"{name}: {told[name]['quarters']:.1f} quarters" for name in sets)]
    rows = []
    for family in COUNTED:
        names = sorted({watcher for one in sets for watcher in told[one]["per_quarter"].get(family, {})})
        rows += [[f"{family}: {name}", *(_rate(told[one], family, name) for one in sets)] for name in names]
        rows.append([f"**{family}, together**", *(f"**{_together(told[one], family)}**" for one in sets)])
    return markdown_table(head, rows)


def _rate(one: dict[str, Any], family: str, watcher: str) -> str:
    rate = one["per_quarter"].get(family, {}).get(watcher)
    return "not judged" if rate is None else f"{rate:.2f}"


def _together(one: dict[str, Any], family: str) -> str:
    return f"{sum(one['alarms'].get(family, {}).values()) / one['quarters']:.1f}"


def _drift_curves(told: dict[str, Any]) -> str:
    return "\n\n".join(_curves_of(kind, shapes) for kind, shapes in told.items())


def _curves_of(kind: str, shapes: dict[str, Any]) -> str:
    """One row per shape and size: found how often and after how many days, by whom first, and what it cost."""
    head = [
        kind,
        "size",
        "runs",
        *FAMILIES,
        "who rings, after days",
        "WAPE",
        "95% coverage",
        "bias after",
        "refitted: WAPE, bias",
        "scaled: WAPE, bias",
    ]
    rows = []
    for shape in SHAPES:
        for size, seen in shapes.get(shape.name, {}).items():
            rows.append(
                [
                    f"{shape.name} ({shape.size_is})",
                    size,
                    str(seen["runs"]),
                    *(_found(seen["found"][family]) for family in FAMILIES),
                    _first_three(seen["watchers"]),
                    f"{seen['wape_lost']:+.1%}",
                    f"{seen['coverage_shift']:+.1%}",
                    f"{seen['after']['stayed']['bias']:+.1%}",
                    *(_remedy(seen["after"].get(name)) for name in ("refitted", "scaled")),
                ]
            )
    return markdown_table(head, rows)


def _remedy(told: dict[str, float] | None) -> str:
    """What it changes, and the bias it leaves; nothing where the champion needs no fit."""
    return f"{told['wape']:+.1%}, {told['bias']:+.1%}" if told else ""


def _found(found: dict[str, Any]) -> str:
    return "-" if found["delay"] is None else f"{found['rate']:.0%}, day {found['delay']:.0f}"


def _first_three(watchers: dict[str, Any]) -> str:
    fastest = sorted(watchers.items(), key=lambda item: (-item[1]["rate"], item[1]["delay"]))[:3]
    return ", ".join(f"{name.removeprefix('drift:')} {seen['delay']:.0f}" for name, seen in fastest)


def _remedies(told: dict[str, Any]) -> str:
    """One row per clean world: what the planner's factor does where the alarm was false."""
    lines = [
        [row["world"], f"{row['rung']} of {row['weeks']}"]
        + [f"{row[name]:.3f}" for name in ("stayed_wape", "scaled_wape")]
        + [f"{row[name]:+.1%}" for name in ("stayed_bias", "scaled_bias")]
        for row in told["clean"]
    ]
    head = ["clean world", "weeks while `bias` rang", "WAPE, as published", "scaled", "bias, as published", "scaled"]
    return markdown_table(head, lines)


def _covariate_drift(told: dict[str, Any]) -> str:
    """For each kind of chain: clean alarms by covariate and question; then one row per fault."""
    return "\n\n".join(
        part
        for chains, one in told["chains"].items()
        for part in (_clean(chains, one["clean"]), _faults(one["faults"]))
    )


def _clean(chains: str, told: dict[str, Any]) -> str:
    rates: dict[str, list[str]] = {}
    for cause, rate in told["per_quarter"].items():
        rates.setdefault(cause.split(":")[2], []).append(f"{rate:.2f}")
    head = [f"{chains}: false alarms per quarter, of {told['quarters']:.0f}", *QUESTIONS]
    return markdown_table(head, [[name, *of_name] for name, of_name in rates.items()])


def _faults(rows: list[dict[str, Any]]) -> str:
    lines = [
        [
            row["covariate"],
            row["what"],
            str(row["runs"]),
            "-" if row["day"] is None else f"{row['found']:.0%}, day {row['day']:.0f}",
        ]
        for row in rows
    ]
    return markdown_table(["covariate", "what comes instead", "runs", "found"], lines)


def _sequential_tests(told: dict[str, Any]) -> str:
    """A table per kind of held-out worlds, one row per signal and detector; then what tuning chose."""
    tuned = next(one for kind, one in told["worlds"].items() if kind.endswith(", tuned"))
    tables = [
        _detectors_of(kind, one, tuned, [str(size) for size in told["sizes"]])
        for kind, one in told["worlds"].items()
        if one is not tuned
    ]
    chosen = [
        f"{name}: {', '.join(f'{part} {_knob(value)}' for part, value in made.items() if part != 'found')}"
        for name, made in told["tuned"].items()
    ]
    return "\n\n".join([*tables, f"River {told['river']}; tuned on {', '.join(tuned['worlds'])}. {'. '.join(chosen)}."])


def _detectors_of(kind: str, one: dict[str, Any], tuned: dict[str, Any], sizes: list[str]) -> str:
    head = [f"{kind}: {one['quarters']:.1f} quarters, {one['starts']} starts", "detector", "false alarms per quarter"]
    head += ["on the tuned world", "open", *(f"found: {size} spreads" for size in sizes), "since when, days off"]
    rows = [
        [stream, f"**{rival}**" if rival == "ours" else rival, f"{seen['per_quarter']:.2f}"]
        + [f"{tuned['rivals'][rival][stream]['per_quarter']:.2f}", _share(seen["share_open"])]
        + [_found_of(seen["found"][size]) for size in sizes]
        + ["-" if seen["days_off"] is None else f"{seen['days_off']:.0f}"]
        for stream in next(iter(one["rivals"].values()))
        for rival, by_stream in one["rivals"].items()
        for seen in [by_stream[stream]]
    ]
    return markdown_table(head, rows)


def _found_of(found: dict[str, Any]) -> str:
    day = "" if found["days"] is None else f", day {found['days']:.0f}"
    return f"{_share(found['share'])}{day}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _knob(value: Any) -> str:
    by_stream = value.items() if isinstance(value, dict) else ()
    return f"({', '.join(f'{name} {one:.2g}' for name, one in by_stream)})" if by_stream else f"{value:g}"


def _slow_doors(told: dict[str, Any]) -> str:
    """One row per noise and usual time of a door: false alarms, and how often a door suddenly slow is heard the same morning."""
    machine = told["machine"]
    named = {
        "this machine": f"measured, beside other jobs: spread {machine['spread']}, at most {machine['largest']} times"
    }
    rows = [
        [named.get(one["noise"], one["noise"]), f"{one['median_s']} s", f"{one['per_quarter']:.2f}"]
        + [f"{share:.0%}" for share in one["heard"].values()]
        for one in told["rows"]
    ]
    slow = [f"heard: {times} times" for times in told["rows"][0]["heard"]]
    return markdown_table(["runs vary", "usually", "false alarms per quarter and door", *slow], rows)


def _steady_doors(told: dict[str, Any]) -> str:
    """One row per world, way and door: the median peak, and how far from it peaks lay."""
    rows = [
        [f"{one['series']:,}", one["way"], one["door"], f"{one['median_mb']:,} MB"]
        + [f"{one[name]:.2f} times" for name in ("lowest", "highest")]
        for one in told["rows"]
    ]
    head = ["series", f"{told['mornings']} mornings, as", "door", "median peak", "lowest", "highest"]
    return markdown_table(head, rows)


def _outlook(told: dict[str, Any]) -> str:
    rows = [
        [
            world,
            str(one["tables"]),
            f"{one['mean_wape']:.3f}",
            *(f"{one[name]:.4f}" for name in ("by_quantiles", "by_last_table", "by_mean")),
        ]
        for world, one in told.items()
    ]
    head = ["world", "tables", "WAPE that came", "missed by: own quantiles", "last table known", "mean of all known"]
    return markdown_table(head, rows)


def _recalibration(told: dict[str, Any]) -> str:
    """One row per spread and class, one column per span of weeks: coverage as learned, stretched, and the width."""
    spans = list(dict.fromkeys(row["span"] for row in next(iter(told["told"].values()))["coverage"]))
    head = ["spread", "series", *(f"weeks {span}: learned, stretched (width)" for span in spans), "decisions a quarter"]
    rows = []
    for spread, one in told["told"].items():
        for of in ("all", *CLASSES):
            cells = {row["span"]: row for row in one["coverage"] if row["of"] == of}
            shown = [_covered(cells[span]) for span in spans]
            rows.append([f"x{spread}", of, *shown, f"{one['decisions_per_quarter']:.1f}" if of == "all" else ""])
    return markdown_table(head, rows)


def _covered(cell: dict[str, Any]) -> str:
    return f"{cell['learned']:.1%}, {cell['stretched']:.1%} (x{cell['width']:.2f})"


def _ml_test_score(told: dict[str, Any]) -> str:
    """One row per test with its evidence; then the sections' sums and the score, which is the lowest."""
    rows = []
    for test in told["tests"]:
        names = "; ".join(f"{one['what']}{'' if one['holds'] else ' (does not hold)'}" for one in test["evidence"])
        said = f" *{test['why_not_whole']}*" if test["why_not_whole"] else ""
        rows.append([str(test["number"]), test["asks"], f"{test['score']:g}", f"{names}{said}"])
    sums = ", ".join(f"{name} {points:g}" for name, points in told["sections"].items())
    total = ["", "**lowest section**", f"**{told['score']:g}**", sums]
    return markdown_table(["#", "asked", "score", "evidence, and what is missing"], [*rows, total])


def draw(told: dict[str, Any]) -> None:
    """Delay against size, a small plot per shape; a drift nobody found within the days watched stands at the top."""
    import altair as alt
    import polars as pl

    rows = [
        {
            "shape": f"{shape.name} ({shape.size_is})",
            "size": float(size),
            "family": family,
            "days": seen["found"][family]["delay"] or NOT_FOUND,
        }
        for shape in SHAPES
        for size, seen in next(iter(told.values())).get(shape.name, {}).items()
        for family in FAMILIES
    ]
    plot = alt.Chart(pl.DataFrame(rows)).mark_line(point=True)
    chart = plot.encode(
        x=alt.X("size:O", title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("days:Q", title="days until found", scale=alt.Scale(domain=[0, NOT_FOUND])),
        color=alt.Color("family:N", title=None, sort=list(FAMILIES)),
        facet=alt.Facet("shape:N", columns=5, title=None, sort=[f"{s.name} ({s.size_is})" for s in SHAPES]),
    )
    chart.properties(width=140, height=100).resolve_scale(x="independent").save(CURVES)


NOT_FOUND = 60


if __name__ == "__main__":
    main()
