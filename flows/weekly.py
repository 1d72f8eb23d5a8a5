"""Every week in which the watchers see a need (schedule, age, alarm; monitor.py's newest decision): freeze what the store knows,
reproduce the laboratory over it, publish, and promote if the gate says so.

run     python flows/weekly.py [--now 2026-01-30T06:00]    as a Prefect flow, no server needed
        python flows/weekly.py --plain                     the same doors without Prefect

The laboratory lives in this checkout: params.yaml and data/ are fixed by dvc.yaml.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, flows/ stands first on sys.path

from contract.walk import Summary, clock
from flows.engine import ROOT, flow
from flows.stages import freeze_panel, publish, reproduce, retraining
from flows.walked import walked

Laboratory = Callable[[Path, Path], Summary]
PARAMS, DATA = ROOT / "params.yaml", ROOT / "data"


@flow(name="weekly", timeout_seconds=12 * 3600)
def weekly(now: datetime | None = None) -> Summary:
    """Summaries by stage; only the reason where the watchers see no need to retrain."""
    now = now or clock()
    wanted = retraining(PARAMS, DATA, now)
    if not wanted["is_needed"]:
        return {"retrain": wanted}
    told = {"freeze": freeze_panel(PARAMS, DATA), "repro": reproduce(), "publish": publish(PARAMS, DATA, now)}
    return {"retrain": wanted, **told}


def plain(now: datetime, params: Path = PARAMS, data: Path = DATA, laboratory: Laboratory | None = None) -> Summary:
    """The same walk without Prefect; elsewhere than in this checkout with another laboratory than DVC's (flows.stages.by_hand)."""
    wanted = retraining.fn(params, data, now)
    if not wanted["is_needed"]:
        return {"retrain": wanted}
    return {
        "retrain": wanted,
        "freeze": freeze_panel.fn(params, data),
        "repro": laboratory(params, data) if laboratory else reproduce.fn(),
        "publish": publish.fn(params, data, now),
    }


if __name__ == "__main__":
    sys.exit(walked(__doc__, weekly, plain, with_places=False))
