"""The page on whether quantiles keep their word: tables and a plot, every number from the result
file.
"""

from __future__ import annotations

import altair as alt

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table, paragraph
from benchmarks.render.plots import svg_of
from contract.levels import SERIES_LEVEL, TOTAL
from contract.quantiles import QUANTILES

NAMES = {"simulator": "Simulator", "m5": "M5"}
SIDES, COLOURS = ["before", "after"], ["#d55e00", "#0072b2"]
LOSSES = (*SIDES, "negative binomial")
RECIPE_SINCE = "2026-11-26"
RECIPE = "[decision 038](../decisions/038-quantiles-by-dispersion.md)"
COVERAGES = ("coverage_50", "coverage_95")
SHOWN = (  # in the plot: kind, level, part, as in the result file
    ("level", TOTAL, TOTAL),
    ("level", "store_id", "store_id"),
    ("level", "store_id*dept_id", "store_id*dept_id"),
    ("level", SERIES_LEVEL, SERIES_LEVEL),
    ("week", SERIES_LEVEL, "1"),
    ("week", SERIES_LEVEL, "4"),
    ("velocity", SERIES_LEVEL, "fast"),
    ("velocity", SERIES_LEVEL, "slow"),
)
TABLES = (  # head, kind, level
    ("level", "level", None),
    ("week ahead, series", "week", SERIES_LEVEL),
    ("week ahead, total", "week", TOTAL),
    ("velocity, series", "velocity", SERIES_LEVEL),
    ("lifecycle, series", "lifecycle", SERIES_LEVEL),
    ("own dispersion, in thirds", "dispersion", SERIES_LEVEL),
)


def page_of(result: Result) -> str:
    """The page's text."""
    sources = [name for name in NAMES if name in result]
    return f"""# Do the quantiles keep their word?

Made by `python -m benchmarks run calibration --data DATA` from finished backtests; no number here
is typed. *Before*: a Poisson around the mean forecast, what one takes without a backtest (a
group: a sum of independent series). *After*: what happened when we said so, learned at each
cutoff from the last `evaluate.origins` windows that had closed by then
(`forecasting/calibration.py`); the first cutoff has none and is left out.

- *Covered*: share of outcomes inside the central interval, of 50 and 95% nominal. A quantile on a
  zero takes all zeros in, so series that rarely sell are covered too often by any honest
  quantile; judge them by the next column.
- *PIT gap*: the largest distance, in points, between a quantile's probability and the share of
  outcomes below it, mean of cutoffs. An outcome that equals quantiles counts in equal parts over
  the probability they span: what the randomised PIT is on average. Nine quantiles know a count's
  law at nine points only: on slow series a gap of a few points may be that.

![Share of outcomes below each quantile, less its probability](calibration.svg)

The plot: share of outcomes below each of the nine quantiles, less its probability. On the line
the word is kept; above it on the left and below it on the right, quantiles are too narrow; below
or above it throughout, they lie too low or too high.

*What it says.* Days of many series move together: a sum of independent Poissons knows nothing of
that and is far too narrow from the item level upwards, the more the higher; what was learned is
far nearer its word there. At the top one window is one draw of the level, so a few cutoffs judge
it roughly: of twelve, 50% covered is known to about five points. Fast series are covered alike
whether they sell steadily or not. On slow series a Poisson is as good: most of their days are
zeros, and what is left to know is the mean.

{chr(10).join(_section(name, result[name]) for name in sources)}"""


def plot_of(result: Result) -> str:
    """The share of outcomes below each quantile, less its probability, part by part."""
    charts = [_panels(name, result[name]["parts"]) for name in NAMES if name in result]
    return svg_of(alt.vconcat(*charts).configure(background="white", font="sans-serif"))


def _section(name: str, result: Result) -> str:
    shown = [(head, _rows(result["parts"], kind, level)) for head, kind, level in TABLES]
    tables = "\n\n".join(
        markdown_table([head, "cells", *_heads()], rows) for head, rows in shown if rows
    )
    first, *_, last = result["cutoffs"]
    measured = f"Measured on {result['on']}{_world(result)}{_is_older(result['on'])}."
    span = paragraph(f"{measured} Cutoffs {first} to {last}, {len(result['cutoffs'])} of them.")
    return f"## {NAMES[name]}\n\n{span}\n\n{tables}\n{_losses(result['parts'])}"


def _world(result: Result) -> str:
    return f", in the {result['world']} world" if "world" in result else ""


def _is_older(day: str) -> str:
    """A word where the quantiles of that day were learned in another way than today's."""
    return f", before {RECIPE}" if day < RECIPE_SINCE else ""


def _losses(parts: list[Result]) -> str:
    """WSPL by level and side; nothing of a result that did not measure it."""
    levels = [part for part in parts if part["kind"] == "level" and "wspl" in part]
    by_level: dict[str, dict[str, float]] = {}
    for part in levels:
        by_level.setdefault(part["level"], {})[part["side"]] = part["wspl"]
    rows = [
        [level.replace("_id", ""), *(f"{of[side]:.4f}" if side in of else "" for side in LOSSES)]
        for level, of in by_level.items()
    ]
    return "\n" + markdown_table(["WSPL", *LOSSES], rows) + "\n" if rows else ""


def _heads() -> list[str]:
    covered = [f"{name[-2:]}% covered, {side}" for name in COVERAGES for side in SIDES]
    return [*covered, *(f"PIT gap, {side}" for side in SIDES)]


def _rows(parts: list[Result], kind: str, level: str | None) -> list[list[str]]:
    """One line per part, both sides in it."""
    chosen = [part for part in parts if part["kind"] == kind and level in (None, part["level"])]
    before, after = (
        {(part["level"], part["part"]): part for part in chosen if part["side"] == side}
        for side in SIDES
    )
    return [
        [
            key[1].replace("_id", ""),
            f"{after[key]['cells']:,}",
            *(f"{side[key][name]:.1%}" for name in COVERAGES for side in (before, after)),
            *(f"{side[key]['pit_gap'] * 100:.1f}" for side in (before, after)),
        ]
        for key in after
    ]


def _panels(name: str, parts: list[Result]) -> alt.FacetChart:
    points = [
        {
            "part": _title(*shown),
            "side": part["side"],
            "probability": tau,
            "off": part[f"below_{quantile}"] - tau,
        }
        for shown in SHOWN
        for part in parts
        if (part["kind"], part["level"], part["part"]) == shown
        for quantile, tau in QUANTILES.items()
    ]
    y_axis, sides = alt.Axis(format="+.0%"), alt.Scale(domain=SIDES, range=COLOURS)
    line = alt.Chart().mark_line(point=True)
    line = line.encode(
        x=alt.X("probability:Q", title="quantile", axis=alt.Axis(format=".0%")),
        y=alt.Y("off:Q", title="share below, less probability", axis=y_axis),
        color=alt.Color("side:N", scale=sides, legend=alt.Legend(title=None)),
    )
    zero = alt.Chart().mark_rule(color="#999999").encode(y=alt.datum(0))
    panel = alt.layer(zero, line, data=alt.Data(values=points)).properties(width=170, height=130)
    facet = alt.Facet("part:N", title=None, sort=[_title(*shown) for shown in SHOWN])
    return panel.facet(facet=facet, columns=4).properties(title=NAMES[name])


def _title(kind: str, level: str, part: str) -> str:
    if kind == "level":
        return part.replace("_id", "")
    return f"{level}, {kind} {part}".replace("velocity ", "")
