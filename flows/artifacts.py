"""A day for people who look into Prefect: a table of the day, a table of the alerts, a link; an
event for every alert.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.events import emit_event

from runtime.command_line import Summary

EVENT = "tillcast.alert"
Show = Callable[[dict[str, Summary], Path], None]
_DAY = {
    "ingest": ("files", "accepted", "refused", "rows_in", "rows_refused", "rows_out"),
    "inference": ("run_id", "model_id", "origin", "series", "rows", "units", "fallback_rows"),
}


def show_nothing(summaries: dict[str, Summary], data: Path) -> None:
    """Nothing: outside a Prefect flow there is nobody to show it to."""


def show(summaries: dict[str, Summary], data: Path) -> None:
    """Artifacts and events of one daily run. Call it inside a flow."""
    lines = [
        f"| {stage} | {name} | {summaries[stage][name]} |"
        for stage, names in _DAY.items()
        if stage in summaries
        for name in names
    ]
    look = summaries["monitor"]
    create_markdown_artifact(
        "\n".join(["| stage | what | value |", "|---|---|---|", *lines]), key="tillcast-day"
    )
    create_table_artifact(
        alert_rows(look), key="tillcast-alarms", description=f"worst: {look['worst']}"
    )
    page = str(look["page"])
    link = page if "://" in page else Path(page).resolve().as_uri()
    create_link_artifact(link, link_text="alerts and reports", key="tillcast-report")
    for cause in look.get("raised", []):
        _emit("raised", cause, look)
    for cause in look.get("closed", []):
        _emit("closed", cause, look)


def alert_rows(look: Summary) -> list[dict[str, str]]:
    """One row for each alert raised: its severity, its cause, the sentence."""
    lines = [line for line in str(look["attention"]).splitlines() if line]
    parts = [line.partition(": ") for line in lines]
    return [
        {"severity": head.split(" ", 1)[0], "cause": head.split(" ", 1)[-1], "what": what}
        for head, _, what in parts
    ]


def _emit(what: str, cause: str, look: Summary) -> None:
    """`tillcast.alert.raised` and `.closed`: an automation in Prefect can send a mail or page
    somebody on them.
    """
    sentences: dict[str, Any] = {row["cause"]: row["what"] for row in alert_rows(look)}
    resource = {"prefect.resource.id": f"{EVENT}.{cause}", "prefect.resource.name": cause}
    emit_event(
        f"{EVENT}.{what}",
        resource=resource,
        payload={"cause": cause, "what": sentences.get(cause, "")},
    )
