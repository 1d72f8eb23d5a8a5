"""The app's own templates, in the report's style."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.access import Person
from reports.html import TEMPLATES as OF_REPORTS
from reports.html import templates_of

TEMPLATES = templates_of(Path(__file__).parent / "templates")
STYLE = OF_REPORTS / "style.css"


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page: the template with these values, who looks at it, and the token of its forms."""
    state = request.app.state
    person: Person = request.state.person
    text = TEMPLATES.get_template(template).render(
        person=person,
        may_change=person.role == "planner",
        form_token=state.access.form_token(person),
        unit=state.shop.params.reports.unit,
        page=template.removesuffix(".html"),
        **values,
    )
    return HTMLResponse(text, status)
