"""Where the time of the three hot paths goes, function by function: a day's file in, all forecasts out, a fit.

run     python -m benchmarks.where_time_goes DATA_FOLDER     (a data folder after `make repro`, its params.yaml beside it)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.daily_path import morning
from benchmarks.measured import ROOT, keep
from contract.params_file import load_params
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

DOORS = ("ingest.py", "inference.py", "train.py")
LEAST_SHARE = 0.02  # of a door's time; what takes less is told together


def main() -> None:
    """Each door once over a copy of the folder; print; keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    places = Paths(parser.parse_args().data)
    params_file = (places.root.resolve().parent / "params.yaml").resolve()
    params, panel = load_params(params_file), read_frozen(places.panel)
    doors = {}
    with tempfile.TemporaryDirectory(prefix="sampled-") as folder:
        copy = morning(places.root, Path(folder), panel, params.source.kind).resolve()
        for door in DOORS:
            doors[door] = _told(_sampled(door, Path(folder) / "samples.json", params_file, copy))
    for door, told in doors.items():
        rows = [[place, f"{seconds:.1f}", f"{seconds / told['seconds']:.0%}"] for place, seconds in told["by"].items()]
        print(text_table([f"{door}, {told['seconds']:.1f} s", "seconds", "share"], rows))
    keep(f"where_time_goes_{params.source.kind}", {"series": panel.series.height, "doors": doors})


def _sampled(door: str, samples: Path, params_file: Path, data: Path) -> dict[str, float]:
    """Seconds by function of one door."""
    command = ["-m", "benchmarks.sampled", str(samples), door, "--params", str(params_file), "--data", str(data)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, check=True)  # noqa: S603
    return json.loads(samples.read_text(encoding="utf-8"))


def _told(seconds: dict[str, float]) -> dict[str, Any]:
    """What takes its share, largest first, and the rest."""
    total = sum(seconds.values())
    large = {place: round(value, 2) for place, value in seconds.items() if value >= LEAST_SHARE * total}
    return {"seconds": round(total, 1), "by": large | {"everything else": round(total - sum(large.values()), 2)}}


if __name__ == "__main__":
    main()
