"""Every morning: take the inbox, forecast, look, hand out a copy for dashboards.

run     python flows/daily.py [--data data] [--now 2026-01-30T06:00]    as a Prefect flow, no server needed
        python flows/daily.py --plain                                   the same doors without Prefect
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, flows/ stands first on sys.path

from contract.walk import Summary, clock
from flows.engine import flow
from flows.shown import show
from flows.stages import forecast, hand_out, look, take_inbox
from flows.walked import walked


@flow(name="daily", timeout_seconds=3 * 3600)
def daily(params: Path = Path("params.yaml"), data: Path = Path("data"), now: datetime | None = None) -> Summary:
    """Summaries by stage. An inbox that cannot be taken leaves the table to yesterday's sales; the watchers look whatever failed."""
    now, told = now or clock(), {}
    try:
        try:
            told["ingest"] = take_inbox(params, data, now)
        finally:
            told["inference"] = forecast(params, data, now)
    finally:
        watched = look(params, data, now)
        show(told, watched, data)
        hand_out(params, data)
    return {**told, "monitor": watched}


def plain(params: Path, data: Path, now: datetime) -> Summary:
    """The same walk without Prefect."""
    try:
        try:
            told = {"ingest": take_inbox.fn(params, data, now)}
        finally:
            table = forecast.fn(params, data, now)
    finally:
        watched = look.fn(params, data, now)
        hand_out.fn(params, data)
    return {**told, "inference": table, "monitor": watched}


if __name__ == "__main__":
    sys.exit(walked(__doc__, daily, plain))
