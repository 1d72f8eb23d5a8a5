"""Break it on purpose, grade what comes out: data/reports/drills.json and a table.

run     python flows/drill.py            as a Prefect flow, no server needed
        python flows/drill.py --plain    without Prefect

reads data/panel/ and data/backtest/calibration.json (after `make repro`).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by path, flows/ stands first on sys.path

from contract.params import Params, load_params
from contract.places import Places
from contract.walk import Summary, clock
from flows.engine import flow
from flows.walked import walked


def drill_all(params: Path, data: Path, now: datetime) -> Summary:
    """Every drill in a scratch folder; the store, the registry and the panel are only read."""
    from drills.drilling import run_drills
    from drills.scenario import set_stage
    from monitoring.watch import causes_before_truth
    from reports.tables import drills_table
    from storage.panel_files import read_frozen

    known, places = load_params(params), Places(data)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        stage = set_stage(read_frozen(places.panel), places.backtest / "calibration.json", scratch, known)
        morning = datetime.combine(stage.origin + timedelta(days=1), time(6))
        results = run_drills(
            stage,
            known.drills,
            scratch,
            lambda panel, table: causes_before_truth(panel, table, morning, known.monitor),
            lambda path: _deliver(path, known, Places(scratch / "data"), now),
        )
    target = places.reports / "drills.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    grades = [result["grade"] for result in results]
    counts = {grade: grades.count(grade) for grade in ("graceful", "degraded", "catastrophic")}
    return {"drills": drills_table(results), **counts, "written": str(target)}


def _deliver(path: Path, params: Params, places: Places, now: datetime) -> Summary:
    """The ingest door over an inbox and a store of the drill's own, in the contract's file format."""
    import ingest

    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    places.inbox.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, places.inbox)
    return ingest.ingest(params.model_copy(update={"source": source}), places, now=now)


@flow(name="drill", timeout_seconds=2 * 3600)
def drill(params: Path = Path("params.yaml"), data: Path = Path("data"), now: datetime | None = None) -> Summary:
    """As drill_all."""
    return drill_all(params, data, now or clock())


if __name__ == "__main__":
    sys.exit(walked(__doc__, drill, drill_all))
