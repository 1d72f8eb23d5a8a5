"""Whether the newest table reached those who read it elsewhere."""

from __future__ import annotations

from typing import Any

from monitoring.finding import Finding, not_judged


def delivery(outcome: dict[str, Any] | None) -> Finding:
    """An error while the newest delivery is one that failed. `outcome`: of stages.deliver; None:
    nothing was delivered yet.
    """
    if outcome is None:
        return not_judged("delivery", "nothing was delivered elsewhere")
    if "failed_at" not in outcome:
        what = "nothing is delivered elsewhere any more"
        if "run_id" in outcome:
            what = f"run {outcome['run_id']} was delivered at {outcome.get('delivered_at')}"
        return Finding("delivery", what, "ok", 0.0, 0.0)
    return Finding(
        "delivery",
        f"run {outcome.get('run_id')} was not delivered; deliveries fail since "
        f"{outcome.get('failed_since')}: {outcome.get('why')}",
        "error",
        1.0,
        0.0,
        "Those who read elsewhere see an older table. Mend what the reason names, then run "
        "`python inference.py deliver`; the next morning tries again by itself.",
    )
