"""The page of the quantiles' conduct: tables and a plot, every number from the result file."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert

from benchmarks.markdown import markdown_table
from benchmarks.measured import ROOT
from contract.levels import SERIES_LEVEL, TOTAL
from contract.quantiles import QUANTILES

PAGE, PLOT = ROOT / "docs" / "calibration.md", ROOT / "docs" / "calibration.svg"
NAMES = {"simulator": "Simulator", "m5": "M5"}
SIDES, COLOURS = ["before", "after"], ["#d55e00", "#0072b2"]
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


def write_page(made: dict[str, Any]) -> None:
    """docs/calibration.md and docs/calibration.svg."""
    PLOT.write_text(vl_convert.vegalite_to_svg(_plot(made).to_dict()), encoding="utf-8")
    PAGE.write_text(page_of(made), encoding="utf-8")


def page_of(made: dict[str, Any]) -> str:
    """The page's text."""
    sources = [name for name in NAMES if name in made]
    return f"""# Do the quantiles keep their word?

Made by `python -m benchmarks.calibration --simulator DATA --m5 DATA` from finished backtests; no number here is typed. *Before*:
a Poisson around the mean forecast, what one takes without a backtest (a group: a sum of independent series). *After*: what happened
when we said so, learned at each cutoff from the windows that had closed by then (`forecasting/intervals.py`); the first cutoff has
none and is left out.

- *Covered*: share of outcomes inside the central interval, of 50 and 95% nominal. A quantile on a zero takes all zeros in, so series
  that rarely sell are covered too often by any honest quantile; judge them by the next column.
- *PIT gap*: the largest distance, in points, between a quantile's probability and the share of outcomes below it, mean of cutoffs. An
  outcome that equals quantiles counts in equal parts over the probability they span: what the randomised PIT is on average. Nine
  quantiles know a count's law at nine points only: on slow series a gap of a few points may be that.

![Share of outcomes below each quantile, less its probability](calibration.svg)

The plot: share of outcomes below each of the nine quantiles, less its probability. On the line the word is kept; above it on the left
and below it on the right, quantiles are too narrow; below or above it throughout, they lie too low or too high.

*What it says.* Days of many series move together: a sum of independent Poissons knows nothing of that and is far too narrow from the
item level upwards, the more the higher; what was learned is far nearer its word there. At the top one window is one draw of the
level: the few windows before it cannot tell its spread, and on the simulator's total they do not. On slow series a Poisson is as
good or better: learned quantiles are multiples of the mean, so a unit sold may lie just above a quantile of 0.9 units. Rounded to
whole units they cost less (lab notebook), but lose at the median what they gain in the tails.

{chr(10).join(_section(name, made[name]) for name in sources)}"""


def _section(name: str, told: dict[str, Any]) -> str:
    parts = told["parts"]
    tables = "\n\n".join(
        markdown_table([head, "cells", *_heads()], _rows(parts, kind, level))
        for head, kind, level in (
            ("level", "level", None),
            ("week ahead, series", "week", SERIES_LEVEL),
            ("week ahead, total", "week", TOTAL),
            ("velocity, series", "velocity", SERIES_LEVEL),
            ("lifecycle, series", "lifecycle", SERIES_LEVEL),
        )
    )
    first, *_, last = told["cutoffs"]
    return f"## {NAMES[name]}\n\nCutoffs {first} to {last}, {len(told['cutoffs'])} of them.\n\n{tables}\n"


def _heads() -> list[str]:
    covered = [f"{name[-2:]}% covered, {side}" for name in COVERAGES for side in SIDES]
    return [*covered, *(f"PIT gap, {side}" for side in SIDES)]


def _rows(parts: list[dict[str, Any]], kind: str, level: str | None) -> list[list[str]]:
    """One line per part, both sides in it."""
    chosen = [part for part in parts if part["kind"] == kind and level in (None, part["level"])]
    after = {(part["level"], part["part"]): part for part in chosen if part["side"] == "after"}
    before = {(part["level"], part["part"]): part for part in chosen if part["side"] == "before"}
    return [
        [
            key[1].replace("_id", ""),
            f"{after[key]['cells']:,}",
            *(f"{side[key][name]:.1%}" for name in COVERAGES for side in (before, after)),
            *(f"{side[key]['pit_gap'] * 100:.1f}" for side in (before, after)),
        ]
        for key in after
    ]


def _plot(made: dict[str, Any]) -> alt.VConcatChart:
    charts = [_panels(name, made[name]["parts"]) for name in NAMES if name in made]
    return alt.vconcat(*charts).configure(background="white", font="sans-serif")


def _panels(name: str, parts: list[dict[str, Any]]) -> alt.FacetChart:
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
    line = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=alt.X("probability:Q", title="quantile", axis=alt.Axis(format=".0%")),
            y=alt.Y("off:Q", title="share below, less probability", axis=alt.Axis(format="+.0%")),
            color=alt.Color("side:N", scale=alt.Scale(domain=SIDES, range=COLOURS), legend=alt.Legend(title=None)),
        )
    )
    zero = alt.Chart().mark_rule(color="#999999").encode(y=alt.datum(0))
    panel = alt.layer(zero, line, data=alt.Data(values=points)).properties(width=170, height=130)
    order = [_title(*shown) for shown in SHOWN]
    return panel.facet(facet=alt.Facet("part:N", title=None, sort=order), columns=4).properties(title=NAMES[name])


def _title(kind: str, level: str, part: str) -> str:
    return part.replace("_id", "") if kind == "level" else f"{level}, {kind} {part}".replace("velocity ", "")
