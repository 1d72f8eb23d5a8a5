"""Runs of drift summed by shape and size, as a table and as curves of delay against size."""

from __future__ import annotations

import statistics

import altair as alt

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from benchmarks.render.plots import svg_of
from drills.drift_shapes import SHAPES

FAMILIES = ("signals", "fixed limits", "plain tests")
NOT_FOUND = 60  # days: where the curves put what was not found within those watched


def summed(runs: list[Result]) -> Result:
    """By shape and size: found by any signal, the median delay, the first watchers; fixed limits
    and plain tests beside.
    """
    by_shape: Result = {}
    for shape in SHAPES:
        for size in shape.sizes:
            same = [run for run in runs if run["shape"] == shape.name and run["size"] == size]
            if same:
                by_shape.setdefault(shape.name, {})[str(size)] = _summary(same)
    return by_shape


def table(result: Result) -> str:
    """One table per kind of worlds, those of the hard world first."""
    return "\n\n".join(_of_kind(kind, shapes) for kind, shapes in _hard_first(result).items())


def curves(result: Result) -> str:
    """Delay against size, a small plot per shape, of the worlds in which most shapes were tried; a
    drift nobody found stands at the top.
    """
    titles = {shape.name: f"{shape.name} ({shape.size_is})" for shape in SHAPES}
    first = max(_hard_first(result).values(), key=len)
    rows = [
        {
            "shape": title,
            "size": float(size),
            "family": family,
            "days": seen["found"][family]["delay"] or NOT_FOUND,
        }
        for name, title in titles.items()
        for size, seen in first.get(name, {}).items()
        for family in FAMILIES
    ]
    chart = alt.Chart(alt.Data(values=rows)).mark_line(point=True)
    chart = chart.encode(
        x=alt.X("size:O", title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("days:Q", title="days until found", scale=alt.Scale(domain=[0, NOT_FOUND])),
        color=alt.Color("family:N", title=None, sort=list(FAMILIES)),
        facet=alt.Facet("shape:N", columns=5, title=None, sort=list(titles.values())),
    )
    return svg_of(chart.properties(width=140, height=100).resolve_scale(x="independent"))


def _hard_first(result: Result) -> Result:
    return dict(sorted(result.items(), key=lambda item: not item[0].startswith("hard")))


def _of_kind(kind: str, shapes: Result) -> str:
    """One row per shape and size: found how often and after how many days, by whom first, and what
    it cost.
    """
    after = ["bias after", "refitted: WAPE, bias", "scaled: WAPE, bias"]
    head = [
        kind,
        "size",
        "runs",
        *FAMILIES,
        "who alerts, after days",
        "WAPE",
        "95% coverage",
        *after,
    ]
    rows = [
        [f"{shape.name} ({shape.size_is})", size, *_cells(seen)]
        for shape in SHAPES
        for size, seen in shapes.get(shape.name, {}).items()
    ]
    return markdown_table(head, rows)


def _cells(seen: Result) -> list[str]:
    after = seen["after"]
    return [
        str(seen["runs"]),
        *(_found(seen["found"][family]) for family in FAMILIES),
        _first_three(seen["watchers"]),
        f"{seen['wape_lost']:+.1%}",
        f"{seen['coverage_shift']:+.1%}",
        f"{after['stayed']['bias']:+.1%}",
        *(_remedy(after.get(name)) for name in ("refitted", "scaled")),
    ]


def _remedy(change: dict[str, float] | None) -> str:
    """What it changes, and the bias it leaves; nothing where the champion needs no fit."""
    return f"{change['wape']:+.1%}, {change['bias']:+.1%}" if change else ""


def _found(found: Result) -> str:
    return "-" if found["delay"] is None else f"{found['rate']:.0%}, day {found['delay']:.0f}"


def _first_three(watchers: Result) -> str:
    fastest = sorted(watchers.items(), key=lambda item: (-item[1]["rate"], item[1]["delay"]))[:3]
    return ", ".join(f"{name.removeprefix('drift:')} {seen['delay']:.0f}" for name, seen in fastest)


def _summary(runs: list[Result]) -> Result:
    found = {}
    for family in runs[0]["delays"]:
        delays = [[d for d in run["delays"][family].values() if d is not None] for run in runs]
        found[family] = _rate_and_delay([min(known) for known in delays if known], len(runs))
    signals = sorted({name for run in runs for name in run["delays"]["signals"]})
    watchers = {}
    for name in signals:
        delays = [run["delays"]["signals"].get(name) for run in runs]
        watchers[name] = _rate_and_delay([d for d in delays if d is not None], len(runs))
    return {
        "runs": len(runs),
        "found": found,
        "watchers": {name: one for name, one in watchers.items() if one["delay"] is not None},
        "wape_lost": _mean([run["wape_lost"] for run in runs]),
        "coverage_shift": _mean([run["coverage_shift"] for run in runs]),
        "after": _after([run["after"] for run in runs]),
    }


def _rate_and_delay(delays: list[int], runs: int) -> Result:
    median = statistics.median(delays) if delays else None
    return {"rate": round(len(delays) / runs, 2), "delay": median}


def _after(remedies: list[Result]) -> dict[str, dict[str, float]]:
    """By remedy its WAPE beside that of the champion that stayed, and its bias; means over runs."""
    return {
        name: {
            "wape": _mean([one[name]["wape"] / one["stayed"]["wape"] - 1 for one in remedies]),
            "bias": _mean([one[name]["bias"] for one in remedies]),
        }
        for name in remedies[0]
    }


def _mean(values: list[float]) -> float:
    return round(statistics.mean(values), 4)
