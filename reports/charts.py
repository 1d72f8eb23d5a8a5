"""Vega-Lite specifications made with Altair.

Colours are the page's CSS variables, so light and dark need no second chart. The palette is Okabe
and Ito's, which colour-blind eyes can distinguish; every series also differs by shape or dash.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from reports.scores import model_name

Spec = dict[str, Any]

DIGITS = 5  # significant, of every number in a chart
# a colour and a shape each
_MODELS = ("global_lightgbm", "seasonal_naive", "oracle", "window_average", "grouped_average")
_SHAPES = ("circle", "square", "triangle-up", "cross", "diamond")
_OTHER = ("var(--soft)", "triangle-down")  # a forecaster somebody added
_COLOURS = [f"var(--c{k})" for k in range(1, 6)]

_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 150,
    },
    "legend": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--soft)",
        "orient": "top",
        "labelFontSize": 12,
        "labelLimit": 240,
        "title": None,
        "columns": 2,
    },
    "rule": {"color": "var(--soft)"},
}


def fan(rows: pl.DataFrame) -> Spec:
    """What was sold, then the mean and the 50% and 95% intervals.

    `rows`: ds, y, y_hat, q025, q250, q750, q975. Rows with an `event` (names as text) get a dotted
    line; only the page's search box hands in such rows.
    """
    x = alt.X("ds:T", title=None, axis=alt.Axis(format="%d %b", tickCount=6, grid=False))
    base = alt.Chart(_data(rows.with_columns(top=pl.max_horizontal("y", "q975"))))
    day = alt.Tooltip("ds:T", format="%a %d %b %Y", title="day")
    ahead = base.transform_filter("isValid(datum.y_hat)")
    layers = [
        ahead.mark_area(color="var(--c1)", opacity=0.18).encode(
            x, alt.Y("q025:Q", title="units a day"), alt.Y2("q975:Q")
        ),
        ahead.mark_area(color="var(--c1)", opacity=0.35).encode(
            x, alt.Y("q250:Q"), alt.Y2("q750:Q")
        ),
        base.transform_filter("isValid(datum.y)")
        .mark_line(color="var(--ink)", strokeWidth=1.3)
        .encode(x, alt.Y("y:Q")),
        ahead.mark_line(color="var(--c1)", strokeWidth=2).encode(x, alt.Y("y_hat:Q")),
        # where the mouse is met; of a day only what it has
        *(
            base.transform_filter(f"isValid(datum.{column})")
            .mark_bar(opacity=0)
            .encode(x, alt.Y("top:Q", stack=None), tooltip=[day, *_tooltips(titles)])
            for column, titles in (("y", _SOLD_TITLES), ("y_hat", _FAN_TITLES))
        ),
        base.transform_filter("isValid(datum.event)")
        .mark_rule(strokeDash=[2, 3], strokeWidth=1.5)
        .encode(x, tooltip=[day, alt.Tooltip("event:N")]),
    ]
    return _spec(alt.layer(*layers), 170)


def series_of_planner(unit: str) -> Spec:
    """One series by day or week: what sold with last year laid over, the fan, the model's mean
    where a person changed it, promotions and events (`main`), and the price (`price`). The page
    hands in the data `rows`: ds, what there is of y, last, y_hat, model, q025, q250, q750, q975,
    promo, event, price; words and top for the tooltip.
    """
    x = alt.X("ds:T", title=None, axis=alt.Axis(format="%d %b", tickCount=6, grid=False))
    day = alt.Tooltip("ds:T", format="%a %d %b %Y", title="day")
    base = alt.Chart(alt.Data(name="rows"))  # type: ignore[no-untyped-call]

    def known(column: str) -> alt.Chart:
        return base.transform_filter(f"isValid(datum.{column})")

    def area(low: str, high: str, opacity: float) -> alt.Chart:
        drawn = known(low).mark_area(color="var(--c1)", opacity=opacity)
        return drawn.encode(x, alt.Y(f"{low}:Q", title=unit), alt.Y2(f"{high}:Q"))

    def line(column: str, **look: Any) -> alt.Chart:
        return known(column).mark_line(**look).encode(x, alt.Y(f"{column}:Q"))

    layers = [
        area("q025", "q975", 0.18),
        area("q250", "q750", 0.35),
        line("last", color="var(--soft)", strokeWidth=1, strokeDash=[4, 3], opacity=0.8),
        line("y", color="var(--ink)", strokeWidth=1.3),
        line("model", color="var(--c2)", strokeWidth=1.5, strokeDash=[2, 2]),
        line("y_hat", color="var(--c1)", strokeWidth=2),
        known("promo")
        .mark_point(shape="triangle-up", filled=True, color="var(--c4)", size=40)
        .encode(x, alt.YDatum(0), tooltip=[day, alt.Tooltip("promo:N", title="promotion")]),
        known("event")
        .mark_rule(strokeDash=[2, 3], strokeWidth=1.5)
        .encode(x, tooltip=[day, alt.Tooltip("event:N")]),
        # where the mouse is met: the page writes what a day has as words, one line each
        known("words")
        .mark_bar(opacity=0)
        .encode(x, alt.Y("top:Q", stack=None), tooltip=[day, alt.Tooltip("words:N", title=unit)]),
    ]
    price = (
        known("price")
        .mark_line(color="var(--c3)", interpolate="step-after", strokeWidth=1.5)
        .encode(
            x,
            alt.Y(
                "price:Q", title="price", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=3)
            ),
            tooltip=[day, alt.Tooltip("price:Q", format=",.2f")],
        )
    )
    return {"main": _spec(alt.layer(*layers), 240), "price": _spec(price, 80)}


def by_week(weeks: pl.DataFrame, metric: str, title: str) -> Spec:
    """One line per model over the weeks ahead. `weeks`: model, week and the metric."""
    form = "+.1%" if metric == "bias" else ".2f"
    chart = alt.Chart(_data(_named(weeks).select("model", "week", value=metric)))
    encoded = chart.mark_line(point=alt.OverlayMarkDef(size=60), strokeWidth=2).encode(
        alt.X("week:O", title="week ahead", axis=alt.Axis(labelAngle=0)),
        alt.Y("value:Q", title=title, axis=alt.Axis(format=form)),
        *_by_model(weeks),
        tooltip=["model:N", "week:O", _number("value", form)],
    )
    return _spec(encoded, 200)


def by_level(levels: pl.DataFrame) -> Spec:
    """WRMSSE of each model on each level, the total on top."""
    encoded = (
        alt.Chart(_data(_named(levels).select("model", "level", "wrmsse", "bias")))
        .mark_point(size=70, filled=True)
        .encode(
            alt.X("wrmsse:Q", title="WRMSSE (less is better)"),
            alt.Y(
                "level:N", title=None, sort=levels["level"].unique(maintain_order=True).to_list()
            ),
            *_by_model(levels),
            tooltip=["model:N", "level:N", _number("wrmsse", ".3f"), _number("bias", "+.1%")],
        )
    )
    return _spec(encoded, 20 * levels["level"].n_unique() + 40)


def coverage(rows: pl.DataFrame) -> Spec:
    """Covered against nominal share on each level: a tick at the nominal one, a dot at the covered
    one, ± the spread over cutoffs.
    """
    named = rows.with_columns(
        interval=(pl.col("nominal") * 100).round().cast(pl.Int32).cast(pl.String) + "% interval"
    )
    base = alt.Chart(_data(named))
    y = alt.Y("level:N", title=None, sort=rows["level"].unique(maintain_order=True).to_list())
    offset = alt.YOffset("interval:N")
    colour = alt.Color("interval:N", scale=alt.Scale(range=_COLOURS))
    inside = alt.X("low:Q", title="share of days inside", axis=alt.Axis(format=".0%", tickCount=10))
    shape = alt.Shape("interval:N", legend=None)
    tooltip = ["level:N", "interval:N", _number("covered", ".1%")]
    layers = [
        base.mark_rule(opacity=0.6).encode(inside, alt.X2("high:Q"), y, offset, colour),
        base.mark_tick(thickness=3, size=12).encode(alt.X("nominal:Q"), y, offset, colour),
        base.mark_point(filled=True, size=50).encode(
            alt.X("covered:Q"), y, offset, colour, shape, tooltip=tooltip
        ),
    ]
    return _spec(alt.layer(*layers), 28 * rows["level"].n_unique() + 40)


def importance(shares: dict[str, float], count: int) -> Spec:
    """The features with the largest share of the gain."""
    # a card's names are alphabetical
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:count]
    top = pl.DataFrame(ranked, schema=["feature", "share"], orient="row")
    encoded = (
        alt.Chart(_data(top))
        .mark_bar(color="var(--c1)", height={"band": 0.7})
        .encode(
            alt.X("share:Q", title="share of the gain", axis=alt.Axis(format=".0%")),
            alt.Y("feature:N", title=None, sort=None, axis=alt.Axis(labelLimit=220)),
            tooltip=["feature:N", _number("share", ".1%")],
        )
    )
    return _spec(encoded, 18 * top.height + 30)


_SOLD_TITLES = (("y", "sold"),)
_FAN_TITLES = (
    ("y_hat", "mean"),
    ("q250", "25%"),
    ("q750", "75%"),
    ("q025", "2.5%"),
    ("q975", "97.5%"),
)


def _tooltips(titles: tuple[tuple[str, str], ...]) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{column}:Q", title=title, format=",.1f") for column, title in titles]


def _number(column: str, form: str) -> alt.Tooltip:
    return alt.Tooltip(f"{column}:Q", format=form)


def _by_model(frame: pl.DataFrame) -> tuple[alt.Color, alt.Shape]:
    """Each model's own colour and shape on every chart; the legend names those the chart shows."""
    looks = dict(zip(_MODELS, zip(_COLOURS, _SHAPES, strict=True), strict=True))
    models = frame["model"].unique(maintain_order=True).to_list()
    shown = [model for model in _MODELS if model in models]
    shown += [model for model in models if model not in _MODELS]
    names = [model_name(model) for model in shown]
    colours, shapes = zip(*(looks.get(model, _OTHER) for model in shown), strict=True)
    return (
        alt.Color("model:N", scale=alt.Scale(domain=names, range=colours)),
        alt.Shape("model:N", scale=alt.Scale(domain=names, range=shapes)),
    )


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.col("model").replace_strict({m: model_name(m) for m in frame["model"].unique()})
    )


def _data(frame: pl.DataFrame) -> alt.Data:
    """The rows as plain values, days as text, absent values left out, numbers short."""
    short = frame.with_columns(
        pl.col(pl.Float64).round_sig_figs(DIGITS), pl.col(pl.Date).cast(pl.String)
    )
    rows = [
        {name: value for name, value in row.items() if value is not None}
        for row in short.to_dicts()
    ]
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]  # altair's class is untyped


def _spec(chart: alt.Chart | alt.LayerChart | alt.FacetChart, height: int) -> Spec:
    spec: Spec = chart.properties(width="container", height=height).to_dict()
    return {**spec, "config": _CONFIG, "autosize": {"type": "fit", "contains": "padding"}}
