"""Kinds of evidence for a point of the ML Test Score: a test CI runs, an output `dvc repro` made, a
result a benchmark kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ruamel.yaml import YAML

from benchmarks.harness.results import RESULTS, ROOT, Result, read

FAMILIES = {"lags", "calendar", "price", "promotion", "lifecycle", "hierarchy"}
AGES = {"7", "28", "56"}


class Evidence(Protocol):
    """Something a machine made; `words` name it for the table."""

    @property
    def words(self) -> str:
        """Its name: a node id, a path."""
        ...

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        """Whether it is there and says what is claimed."""
        ...


@dataclass(frozen=True)
class Passed:
    """A test, or all tests of a file, that passed in the run whose outcomes are given."""

    node: str

    @property
    def words(self) -> str:
        return f"`{self.node}`"

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        file, _, name = self.node.partition("::")
        found = [
            passed
            for node, passed in outcomes.items()
            if node == self.node or (not name and node.startswith(f"{file}::"))
        ]
        return (root / file).exists() and bool(found) and all(found)


@dataclass(frozen=True)
class Made:
    """An output of a stage that dvc.lock names with its hash."""

    stage: str
    path: str

    @property
    def words(self) -> str:
        return f"`dvc repro {self.stage}`: `{self.path}`"

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        lock = YAML(typ="safe").load((root / "dvc.lock").read_text(encoding="utf-8"))
        outs = lock["stages"].get(self.stage, {}).get("outs", [])
        return any(out["path"] == self.path and out.get("md5") for out in outs)


@dataclass(frozen=True)
class Measured:
    """A result file of a benchmark, and what its numbers must show."""

    name: str
    shows: Callable[[Result], bool]
    claim: str

    @property
    def words(self) -> str:
        return f"`benchmarks/results/{self.name}.json`: {self.claim}"

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        path = root / RESULTS.relative_to(ROOT) / f"{self.name}.json"
        return path.exists() and bool(self.shows(read(path)))


@dataclass(frozen=True)
class Check:
    """One of the 28: what makes it 1 (`always`), what makes it 0.5 (`by_hand`), and what is missing
    where it is not 1.
    """

    number: int
    question: str
    always: tuple[Evidence, ...] = ()
    by_hand: tuple[Evidence, ...] = ()
    why_not_whole: str = ""


def evidence_of(line: str) -> Evidence:
    """One line of ml_test_checks.yaml."""
    kind, _, rest = line.partition(" ")
    if kind == "dvc":
        return Made(*rest.split())
    if kind == "result":
        name, _, claim = rest.partition(": ")
        return Measured(name, SHOWS[name], claim)
    return Passed(line)


def checks_of(path: Path) -> tuple[Check, ...]:
    """The checks of a file, numbered from 1."""
    checks = []
    for number, raw in enumerate(YAML(typ="safe").load(path.read_text(encoding="utf-8")), start=1):
        always, by_hand = (
            tuple(map(evidence_of, raw.get(side, []))) for side in ("always", "by_hand")
        )
        why = raw.get("why_not_whole", "")
        checks.append(Check(number, raw["question"], always, by_hand, why))
    return tuple(checks)


def _left_out(result: Result) -> set[str]:
    return {name.removeprefix("without ") for name in result["result"]}


def _wrmsse(result: Result, model: str) -> float:
    return result["result"][model]["wrmsse"]


SHOWS: dict[str, Callable[[Result], bool]] = {  # what a result must show to count
    "ablation_m5": lambda result: _left_out(result) >= FAMILIES,
    "search_m5": lambda result: len(result["trials"]) > 1,
    "cadence": lambda result: result["simulator"]["loss_by_age"].keys() >= AGES,
    "models_m5": lambda r: _wrmsse(r, "seasonal_naive") > _wrmsse(r, "global_lightgbm"),
    "gate": lambda result: result["trials"] >= 1000,
    "daily_path_m5": lambda result: result["total"]["seconds"] < 60,
}
CHECKS = checks_of(Path(__file__).with_name("ml_test_checks.yaml"))
