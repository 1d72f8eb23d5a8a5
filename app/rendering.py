"""The app's own templates, in the report's style."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.access import Person
from reports.html import FILTERS

TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parent.parent / "reports" / "templates" / "style.css"


def environment() -> Environment:
    """Jinja over the templates; what is put in is escaped, an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    return made


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page: the template with these values, who looks at it, and the token of its forms."""
    state = request.app.state
    person: Person = request.state.person
    text = state.templates.get_template(template).render(
        person=person,
        may_change=person.role == "planner",
        form_token=state.access.form_token(person),
        unit=state.shop.params.reports.unit,
        page=template.removesuffix(".html"),
        **values,
    )
    return HTMLResponse(text, status)
