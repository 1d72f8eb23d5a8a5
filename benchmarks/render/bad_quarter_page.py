"""The bad quarter as a page: one plot, one timeline, every number from the result file."""

from __future__ import annotations

import altair as alt
import polars as pl

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table, paragraph
from benchmarks.render.plots import svg_of

WORLDS = ["no drift", "nobody acted", "acted"]
COLOURS, DASHES = ["#009e73", "#d55e00", "#0072b2"], [[2, 2], [6, 3], [1, 0]]
RULES = {"drift": "#000000", "alarm": "#cc79a7", "promotion": "#56b4e9", "held back": "#bbbbbb"}
PHASES = {-1: "before", 0: "1 to 4", 1: "5 to 8", 2: "9 to 12", 3: "13 and later"}


def page_of(result: Result) -> str:
    """The page's text."""
    drift, weeks = result["drift"], pl.DataFrame(result["weeks"])
    lines = [
        [e["day"], e["days_after"], e["what"], e["detail"].replace("|", "/")]
        for e in result["events"]
    ]
    departments = ", ".join(drift["departments"])
    opening = paragraph(
        f"Made by `python -m benchmarks run bad_quarter` in {result['seconds']} s on "
        f"{result['on']}, in the simulator's {result['world']} world (`source.simulator.world`); "
        f"no number here is typed. From {drift['since']} on the departments {departments} sell "
        f"{drift['drop']:.0%} less and cost {drift['dearer']:.0%} more. Each week stands at its "
        "Monday, the events at their day."
    )
    return f"""# A bad quarter, end to end

{opening}

![WAPE and bias by week](bad_quarter.svg)

{markdown_table(["day", "days after", "what", "detail"], lines)}

*Held back*: the refit could not show that it does no harm on the days the champion had not seen.
Bias is the cleaner measure of recovery: fewer units are noisier ones, so the WAPE of a chain that
sells less stays above that of one without drift. Error of a store's department and day, in the
table made the Sunday before, mean over weeks (bias in brackets):

{markdown_table(["weeks after the drift", *WORLDS], _phases(weeks, drift["since"]))}
"""


def plot_of(result: Result) -> str:
    """WAPE and bias by week, the events as rules."""
    events = [{"day": e["day"], "what": e["what"]} for e in result["events"] if e["what"] in RULES]
    colours = alt.Scale(domain=list(RULES), range=list(RULES.values()))
    colour = alt.Color("what:N", scale=colours, legend=alt.Legend(title="event"))
    rules = alt.Chart(alt.Data(values=events)).mark_rule(strokeWidth=1.5)
    rules = rules.encode(x="day:T", color=colour)
    base = alt.Chart(alt.Data(values=result["weeks"])).mark_line(point=True)
    base = base.properties(width=760, height=200)
    parts = [
        alt.layer(_line(base, name, title), rules).resolve_scale(color="independent")
        for name, title in (("wape", "WAPE, store and department"), ("bias", "bias, all units"))
    ]
    return svg_of(alt.vconcat(*parts).configure(background="white", font="sans-serif"))


def _line(base: alt.Chart, name: str, title: str) -> alt.Chart:
    worlds, dashes = (alt.Scale(domain=WORLDS, range=of) for of in (COLOURS, DASHES))
    axis, scale = alt.Axis(format=".0%"), alt.Scale(zero=False)
    return base.encode(
        x=alt.X("week:T", title=None, axis=alt.Axis(format="%d %b %Y")),
        y=alt.Y(f"{name}:Q", title=title, axis=axis, scale=scale),
        color=alt.Color("world:N", scale=worlds, legend=alt.Legend(title=None)),
        strokeDash=alt.StrokeDash("world:N", scale=dashes, legend=None),
    )


def _phases(weeks: pl.DataFrame, since: str) -> list[list[str]]:
    """WAPE (and bias) before the drift, and by four weeks after it."""
    first = pl.lit(since).str.to_date()
    days_in = (pl.col("week").str.to_date() - first).dt.total_days() + 6  # on its Sunday
    phase = (days_in // 28).clip(-1, 3)
    means = (
        weeks.with_columns(phase=phase)
        .group_by("phase", "world")
        .agg(pl.col("wape", "bias").mean())
    )
    return [
        [PHASES[at], *(_cell(means.filter(phase=at, world=world)) for world in WORLDS)]
        for at in means["phase"].unique().sort()
    ]


def _cell(row: pl.DataFrame) -> str:
    return f"{row['wape'][0]:.3f} ({row['bias'][0]:+.1%})" if row.height else ""
