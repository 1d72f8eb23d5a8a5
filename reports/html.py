"""From values to HTML text: templates, scripts that nothing breaks out of, written numbers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.scores import metric_name, model_name, slice_words

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
MANY_TIMES = 10  # from here on a change reads "12 times", not +1,100%

JsonObject = dict[str, Any]  # as a JSON file holds it, or a row of a frame


def render_template(name: str, **values: object) -> str:
    """A template of this package with these values."""
    return templates_of(TEMPLATES).get_template(name).render(**values)


def templates_of(folder: Path) -> Environment:
    """Jinja over a folder: what is put in is escaped, an unknown name is an error, numbers and
    names are written by FILTERS.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    return made


@cache
def vega() -> str:
    """Vega, Vega-Lite and vega-embed as one script, from the installed package: no CDN."""
    import vl_convert

    # type: the stub asks for the snippet that the function takes as optional
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script")


def script_json(content: object) -> str:
    """JSON that cannot end the script element it stands in, whatever an item is called."""
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}".replace(",", "\u2009")


def _units(value: float | None) -> str:
    """Whole ones as a count; of what is weighed two decimals."""
    if value is None or value == round(value):
        return _count(value)
    return f"{value:,.2f}".replace(",", "\u2009")


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}".replace(",", "\u2009")


def _percent(value: float | None, signed: bool = True) -> str:
    if value is None:
        return "-"
    if value + signed >= MANY_TIMES:  # a change of +11 is 12 times as much
        return f"{_count(value + signed)} times"
    return f"{value:+.1%}" if signed else f"{value:.1%}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _short(value: object) -> str:
    """Any value in a few characters."""
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


# how numbers and names are written on a page
FILTERS: dict[str, Any] = {
    "count": _count,
    "units": _units,
    "decimal": _decimal,
    "percent": _percent,
    "score": _score,
    "short": _short,
    "model": model_name,
    "metric": metric_name,
    "slice_words": slice_words,
}
