"""Params for benchmarks: of this checkout, for another source, changed, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.harness.entry_points import Folder, in_folder
from benchmarks.harness.results import ROOT
from contract.params import Params
from contract.params_file import lay_over, load_laid, params_of

Changes = dict[str, Any]

FAST: Changes = {  # they take time, not memory
    "train": {"rounds": 40},
    "evaluate": {"origins": 1, "refit_every": 1},
}


def params_here() -> Params:
    """params.yaml of this checkout."""
    return load_laid(ROOT / "params.yaml", None)


def params_for(kind: str) -> Params:
    """params.yaml of this checkout as for another source: a stored run may be of older code, whose
    params lack the newer names."""
    raw = raw_params()
    profile = raw.pop("profiles").get(kind, {})
    return params_of(lay_over(lay_over(raw, profile), {"source": {"kind": kind}}))


def raw_params() -> Changes:
    """params.yaml of this checkout as a mapping."""
    return YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def write_params(path: Path, raw: Changes) -> None:
    """A params file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(raw, file)


def simulated_folder(
    folder: Path, series: int, days: int, changes: Changes | None = None
) -> Folder:
    """Params of a simulator of this size, beside a data folder that is empty yet."""
    simulator = {"simulator": {"series": series, "days": days}}
    source = {"source": {"kind": "simulator", "path": None, "sha256": None} | simulator}
    write_params(folder / "params.yaml", lay_over(lay_over(raw_params(), source), changes or {}))
    return in_folder(folder)
