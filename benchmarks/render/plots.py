"""Plots as SVG; the one of growth with the number of series."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert

from benchmarks.harness.results import Result

UNITS = {"s": "seconds", "mb": "peak MB"}


def growth_of(result: Result) -> str:
    """Seconds and memory of each stage against the number of series, both axes in logarithms."""
    stages = list(result["slopes"]["s"])
    rows = [
        {"series": int(size), "stage": stage, "what": name, "value": at[stage][unit]}
        for size, at in result["sizes"].items()
        for stage in stages
        for unit, name in UNITS.items()
    ]
    logarithms = alt.Scale(type="log")
    chart = alt.Chart(alt.Data(values=rows)).mark_line(point=True)
    chart = chart.encode(
        x=alt.X("series:Q", scale=logarithms, title="series"),
        y=alt.Y("value:Q", scale=logarithms, title=None),
        color=alt.Color("stage:N", title=None, sort=stages),
        column=alt.Column("what:N", title=None, sort=list(UNITS.values())),
    )
    return svg_of(chart.properties(width=300, height=220).resolve_scale(y="independent"))


def svg_of(chart: Any) -> str:
    """An Altair chart as an SVG text."""
    return vl_convert.vegalite_to_svg(chart.to_dict())
