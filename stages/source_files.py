"""The source's own files, copied to be taken like any delivery."""

from __future__ import annotations

import shutil
from pathlib import Path

from contract.params import SourceParams
from sources.reading import files_of
from sources.simulator.drop import make_drop, write_truth
from sources.simulator.simulation import simulate


def stage_source_files(source: SourceParams, staging: Path, truth: Path) -> list[Path]:
    """Copies of the source's files in the order to take them; the simulator's are made, and its
    truth written.
    """
    truth.mkdir(parents=True, exist_ok=True)
    (truth / "truth.parquet").unlink(missing_ok=True)
    if source.kind != "simulator":
        return [Path(shutil.copyfile(path, staging / path.name)) for path in files_of(source)]
    simulation = simulate(source.simulator)
    write_truth(simulation, truth / "truth.parquet")
    return make_drop(simulation, staging, source.simulator).files
