"""What a day told, for people who look into Prefect: a table of the day, a table of the alarms, a link; an event for every alert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.events import emit_event

from contract.walk import Summary

EVENT = "tillcast.alert"
_DAY = {
    "ingest": ("files", "accepted", "refused", "rows_in", "rows_refused", "rows_out"),
    "inference": ("run_id", "model_id", "origin", "series", "rows", "units", "fallback_rows"),
}


def show(told: dict[str, Summary], watched: Summary, data: Path) -> None:
    """Artifacts and events of one daily run. Call it inside a flow."""
    lines = [
        f"| {stage} | {name} | {told[stage][name]} |"
        for stage, names in _DAY.items()
        if stage in told
        for name in names
    ]
    create_markdown_artifact("\n".join(["| stage | what | value |", "|---|---|---|", *lines]), key="tillcast-day")
    create_table_artifact(alarms(watched), key="tillcast-alarms", description=f"worst: {watched['worst']}")
    report = (data / "reports" / "index.html").resolve()
    if report.exists():
        create_link_artifact(report.as_uri(), link_text="the report", key="tillcast-report")
    for cause in watched.get("raised", []):
        _tell("raised", cause, watched)
    for cause in watched.get("closed", []):
        _tell("closed", cause, watched)


def alarms(watched: Summary) -> list[dict[str, str]]:
    """One row for each alarm that rings: its severity, its cause, the sentence."""
    lines = [line for line in str(watched["attention"]).splitlines() if line]
    parts = [line.partition(": ") for line in lines]
    return [
        {"severity": head.split(" ", 1)[0], "cause": head.split(" ", 1)[-1], "what": what} for head, _, what in parts
    ]


def _tell(what: str, cause: str, watched: Summary) -> None:
    """`tillcast.alert.raised` and `.closed`: an automation in Prefect can send a mail or page somebody on them."""
    sentences: dict[str, Any] = {row["cause"]: row["what"] for row in alarms(watched)}
    resource = {"prefect.resource.id": f"{EVENT}.{cause}", "prefect.resource.name": cause}
    emit_event(f"{EVENT}.{what}", resource=resource, payload={"cause": cause, "what": sentences.get(cause, "")})
