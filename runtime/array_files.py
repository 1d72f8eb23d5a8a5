"""Arrays by name as a file. Nothing in one is ever evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def write_arrays(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """The arrays as a file that ends in .npz."""
    np.savez(file, allow_pickle=False, **arrays)


def read_arrays(file: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of these names, or all of a file; the others are not read."""
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in (arrays.files if names is None else names)}
