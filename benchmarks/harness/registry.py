"""Every benchmark by name: the module speed/scale.py declares `BENCHMARK`, named 'scale'."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.harness.results import ROOT, Result, keep, kept
from contract.panel import Panel
from contract.params import Params
from contract.params_file import kind_of, load_params
from runtime.paths import Paths
from storage.panel_files import read_frozen

FOLDERS = ("speed", "accuracy", "detection", "robustness")
SETS = {"bench": ("lags_and_windows", "store", "judging", "serving", "start_up")}  # `make bench`
HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Option:
    """`--name`, what it means, and what holds where it is not given; kind bool: a flag."""

    name: str
    meaning: str
    default: Any = None
    kind: Callable[[str], Any] = str
    many: bool = False


SHARED = Option("shared", "folder of the shared data sets", ROOT.parent / "shared" / "data", Path)


@dataclass(frozen=True)
class Benchmark:
    """A question, what it needs, and how it is measured.

    `needs`: data and minutes, in words. `table`: the result as it stands in documents and on the
    terminal. `by_source`: each kind of source has a result of its own.
    """

    question: str
    needs: str
    measure: Callable[[Context], Result | None]
    options: tuple[Option, ...] = ()
    table: Callable[[Result], str] | None = None
    by_source: bool = False
    result_name: Callable[[Context], str] | None = None

    @property
    def name(self) -> str:
        """That of its module."""
        return self.measure.__module__.rpartition(".")[2]

    @property
    def folder(self) -> str:
        """That of its module."""
        return self.measure.__module__.split(".")[1]


@dataclass(frozen=True)
class Context:
    """What a benchmark is given: a data folder with its params.yaml beside it, and its options."""

    benchmark: Benchmark
    data: Path
    options: Namespace

    @property
    def paths(self) -> Paths:
        """The data folder's parts."""
        return Paths(self.data)

    @property
    def params_file(self) -> Path:
        """The folder's params file."""
        return self.data.parent / "params.yaml"

    @cached_property
    def params(self) -> Params:
        """The folder's params."""
        return load_params(self.params_file)

    @property
    def source(self) -> str:
        """The kind of source: simulator, m5, files; readable in params of older code, too."""
        return kind_of(self.params_file)

    @cached_property
    def panel(self) -> Panel:
        """The folder's frozen panel."""
        return read_frozen(self.paths.panel)

    @property
    def result_name(self) -> str:
        """Name of the result's file."""
        if naming := self.benchmark.result_name:
            return naming(self)
        name = self.benchmark.name
        return f"{name}_{self.source}" if self.benchmark.by_source else name

    def before(self) -> Result:
        """What was kept of an earlier run."""
        return kept(self.result_name) or {}

    def keep(self, result: Result) -> None:
        """The result so far: a run that is cut leaves what it has."""
        keep(self.result_name, result)


def benchmarks() -> dict[str, Benchmark]:
    """Every benchmark by its name."""
    files = [path for folder in FOLDERS for path in sorted((HERE / folder).glob("[a-z]*.py"))]
    modules = [import_module(f"benchmarks.{path.parent.name}.{path.stem}") for path in files]
    found = [module.BENCHMARK for module in modules if hasattr(module, "BENCHMARK")]
    return {benchmark.name: benchmark for benchmark in found}


def chosen(name: str) -> list[Benchmark]:
    """The benchmark of this name, or those of the set."""
    every = benchmarks()
    names = SETS.get(name, (name,))
    if unknown := [one for one in names if one not in every]:
        known = ", ".join(sorted([*every, *SETS]))
        raise SystemExit(f"there is no benchmark '{unknown[0]}'; there are {known}")
    return [every[one] for one in names]
