"""Every week: freeze what the store knows, reproduce the laboratory over it, publish, and promote if the gate says so.

run     python flows/weekly.py [--now 2026-01-30T06:00]    as a Prefect flow, no server needed
        python flows/weekly.py --plain                     the same doors without Prefect

The laboratory lives in this checkout: params.yaml and data/ are fixed by dvc.yaml.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, flows/ stands first on sys.path

from contract.walk import Summary, clock
from flows.engine import ROOT, flow
from flows.stages import freeze_panel, publish, reproduce
from flows.walked import walked

PARAMS, DATA = ROOT / "params.yaml", ROOT / "data"


@flow(name="weekly", timeout_seconds=12 * 3600)
def weekly(now: datetime | None = None) -> Summary:
    """Summaries by stage."""
    now = now or clock()
    return {"freeze": freeze_panel(PARAMS, DATA), "repro": reproduce(), "publish": publish(PARAMS, DATA, now)}


def plain(now: datetime) -> Summary:
    """The same walk without Prefect."""
    return {
        "freeze": freeze_panel.fn(PARAMS, DATA),
        "repro": reproduce.fn(),
        "publish": publish.fn(PARAMS, DATA, now),
    }


if __name__ == "__main__":
    sys.exit(walked(__doc__, weekly, plain, with_places=False))
