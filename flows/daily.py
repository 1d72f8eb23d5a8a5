"""Every morning: take the inbox, forecast, order, deliver, look, hand out a copy for dashboards.

run     python flows/daily.py [--data data] [--now 2026-01-30T06:00]    as a Prefect flow, no server
needed
        python flows/daily.py --plain                                   the same without Prefect
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

# run by path, flows/ stands first on sys.path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.artifacts import Show, show, show_nothing
from flows.command_line import run_flow
from flows.engine import Runner, flow, in_prefect, logged, plainly
from flows.tasks import forecast, hand_out, look, propose, publish_elsewhere, take_inbox
from runtime.command_line import Summary
from runtime.process import clock


def morning(run: Runner, show: Show, params: Path, data: Path, now: datetime) -> Summary:
    """Summaries by entry point. An inbox that cannot be taken leaves the table to yesterday's
    sales; the watchers look and the copy is handed out whatever failed, delivery included.
    """
    summaries: Summary = {}
    try:
        try:
            summaries["ingest"] = run(take_inbox, params, data, now)
        finally:
            summaries["inference"] = run(forecast, params, data, now)
            summaries["orders"] = run(propose, params, data, now)
            summaries["delivery"] = run(publish_elsewhere, params, data, now)
    finally:
        summaries["monitor"] = run(look, params, data, now)
        show(summaries, data)
        run(hand_out, params, data)
    return summaries


@flow(name="daily", timeout_seconds=3 * 3600)
def daily(
    params: Path = Path("params.yaml"), data: Path = Path("data"), now: datetime | None = None
) -> Summary:
    """The morning as Prefect runs it."""
    with logged(data):
        return morning(in_prefect, show, params, data, now or clock())


def plain(params: Path, data: Path, now: datetime) -> Summary:
    """The morning without Prefect."""
    return morning(plainly, show_nothing, params, data, now)


if __name__ == "__main__":
    sys.exit(run_flow(__doc__, daily, plain))
