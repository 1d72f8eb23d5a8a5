"""Break it on purpose, grade what comes out: data/reports/drills.json and drills.txt. Exit 1 when a
drill is catastrophic.

run     python flows/drill.py            as a Prefect flow, no server needed
        python flows/drill.py --plain    without Prefect

reads data/panel/ and data/backtest/forecasts.parquet (after `make repro`).
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

# run by path, flows/ stands first on sys.path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.command_line import run_flow
from flows.drilling import drill_all
from flows.engine import flow
from runtime.command_line import Summary
from runtime.process import clock


@flow(name="drill", timeout_seconds=2 * 3600)
def drill(
    params: Path = Path("params.yaml"), data: Path = Path("data"), now: datetime | None = None
) -> Summary:
    """As drill_all."""
    return drill_all(params, data, now or clock())


if __name__ == "__main__":
    sys.exit(run_flow(__doc__, drill, drill_all))
