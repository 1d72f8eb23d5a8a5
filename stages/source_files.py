"""The source's own files, copied to be taken like any delivery."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from contract.params import SourceParams
from sources.deliveries import pack, root_of
from sources.finding import deliveries_of, delivery_name
from sources.simulator.drop import make_drop, write_truth
from sources.simulator.simulation import simulate


def stage_source_files(source: SourceParams, staging: Path, truth: Path) -> list[Path]:
    """Copies of the source's files in the order to take them; the simulator's are made, and its
    truth written.
    """
    truth.mkdir(parents=True, exist_ok=True)
    (truth / "truth.parquet").unlink(missing_ok=True)
    if source.kind != "simulator":
        return [
            staged(files, staging / delivery_name(files, source)) for files in deliveries_of(source)
        ]
    simulation = simulate(source.simulator)
    write_truth(simulation, truth / "truth.parquet")
    return make_drop(simulation, staging, source.simulator).files


def staged(files: list[Path], target: Path, folder: Path | None = None) -> Path:
    """A copy of a delivery: its only file, or the zip of all of them. `folder`: what they lie in,
    if it is a delivery as a whole.
    """
    root = root_of(folder or Path(os.path.commonpath([file.parent for file in files])))
    target.parent.mkdir(parents=True, exist_ok=True)
    if folder is None and len(files) == 1 and root == files[0].parent:
        return Path(shutil.copyfile(files[0], target))
    return pack(files, root, target)
