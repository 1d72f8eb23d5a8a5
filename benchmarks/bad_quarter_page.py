"""The bad quarter as a page: one plot, one timeline, every number from the result file."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl
import vl_convert

from benchmarks.markdown import markdown_table
from benchmarks.measured import ROOT

PAGE, PLOT = ROOT / "docs" / "bad_quarter.md", ROOT / "docs" / "bad_quarter.svg"
WORLDS = ["no drift", "nobody acted", "acted"]
COLOURS, DASHES = ["#009e73", "#d55e00", "#0072b2"], [[2, 2], [6, 3], [1, 0]]
RULES = {"drift": "#000000", "alarm": "#cc79a7", "promotion": "#56b4e9", "held back": "#bbbbbb"}


def write_page(made: dict[str, Any]) -> None:
    """docs/bad_quarter.md and docs/bad_quarter.svg."""
    PLOT.write_text(vl_convert.vegalite_to_svg(_plot(made).to_dict()), encoding="utf-8")
    PAGE.write_text(page_of(made), encoding="utf-8")


def page_of(made: dict[str, Any]) -> str:
    """The page's text."""
    drift, weeks = made["drift"], pl.DataFrame(made["weeks"])
    lines = [[e["day"], e["days_after"], e["what"], e["detail"].replace("|", "/")] for e in made["events"]]
    return f"""# A bad quarter, end to end

Made by `python -m benchmarks.bad_quarter` in {made["seconds"]} s; no number here is typed. From {drift["since"]} on the departments
{", ".join(drift["departments"])} of the simulator sell {drift["drop"]:.0%} less and cost {drift["dearer"]:.0%} more.
Each week stands at its Monday, the events at their day.

![WAPE and bias by week](bad_quarter.svg)

{markdown_table(["day", "days after", "what", "detail"], lines)}

*Held back*: the refit could not show that it does no harm on the days the champion had not seen. Bias is the cleaner measure of
recovery: fewer units are noisier ones, so the WAPE of a chain that sells less stays above that of one without drift.
Error of a store's department and day, in the table made the Sunday before, mean over weeks (bias in brackets):

{markdown_table(["weeks after the drift", *WORLDS], _phases(weeks, drift["since"]))}
"""


def _phases(weeks: pl.DataFrame, since: str) -> list[list[str]]:
    """WAPE (and bias) before the drift, and by four weeks after it."""
    days_in = (pl.col("week").str.to_date() - pl.lit(since).str.to_date()).dt.total_days() + 6  # on its Sunday
    age = (days_in // 28).clip(-1, 3)
    told = weeks.with_columns(phase=age).group_by("phase", "world").agg(pl.col("wape", "bias").mean()).sort("phase")
    names = {-1: "before", 0: "1 to 4", 1: "5 to 8", 2: "9 to 12", 3: "13 and later"}
    return [
        [names[phase], *(_cell(told.filter(phase=phase, world=world)) for world in WORLDS)]
        for phase in told["phase"].unique().sort()
    ]


def _cell(row: pl.DataFrame) -> str:
    return f"{row['wape'][0]:.3f} ({row['bias'][0]:+.1%})" if row.height else ""


def _plot(made: dict[str, Any]) -> alt.VConcatChart:
    weeks = alt.Data(values=made["weeks"])
    told = [{"day": e["day"], "what": e["what"]} for e in made["events"] if e["what"] in RULES]
    rules = (
        alt.Chart(alt.Data(values=told))
        .mark_rule(strokeWidth=1.5)
        .encode(
            x="day:T",
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=list(RULES), range=list(RULES.values())),
                legend=alt.Legend(title="event"),
            ),
        )
    )
    base = alt.Chart(weeks).mark_line(point=True).properties(width=760, height=200)
    worlds = alt.Scale(domain=WORLDS, range=COLOURS)
    dashes = alt.Scale(domain=WORLDS, range=DASHES)
    parts = [
        alt.layer(
            base.encode(
                x=alt.X("week:T", title=None, axis=alt.Axis(format="%d %b %Y")),
                y=alt.Y(f"{name}:Q", title=title, axis=alt.Axis(format=".0%"), scale=alt.Scale(zero=False)),
                color=alt.Color("world:N", scale=worlds, legend=alt.Legend(title=None)),
                strokeDash=alt.StrokeDash("world:N", scale=dashes, legend=None),
            ),
            rules,
        ).resolve_scale(color="independent")
        for name, title in (("wape", "WAPE, store and department"), ("bias", "bias, all units"))
    ]
    return alt.vconcat(*parts).configure(background="white", font="sans-serif")
