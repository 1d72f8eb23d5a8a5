"""What a run of the harness tried and what it hit, as numbers and as a table."""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Kills by step and kind, the different points hit, violations with what repeats them."""

    seed: int
    kills: int = 0
    not_reached: int = 0
    stores_lost: int = 0
    seconds: float = 0.0
    by_step: Tally = field(default_factory=Tally)
    by_kind: Tally = field(default_factory=Tally)
    points: dict[str, set[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    faults: dict[str, int | None] = field(default_factory=dict)

    def note(self, step: str, kind: str, at: str | None) -> None:
        """One kill; `at` None: the entry point was done before it."""
        if at is None:
            self.not_reached += 1
            return
        self.kills += 1
        self.by_step[step] += 1
        self.by_kind[kind] += 1
        self.points.setdefault(kind, set()).add(at)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return vars(self) | {
            "points": {kind: sorted(points) for kind, points in sorted(self.points.items())}
        }

    def add(self, plain: dict[str, Any]) -> None:
        """The plain report of one of several processes."""
        for name in ("kills", "not_reached", "stores_lost", "violations"):
            setattr(self, name, getattr(self, name) + plain[name])
        self.by_step.update(plain["by_step"])
        self.by_kind.update(plain["by_kind"])
        for kind, points in plain["points"].items():
            self.points.setdefault(kind, set()).update(points)

    def unseen(self) -> list[str]:
        """Planted faults no cut found."""
        return [fault for fault, cuts in self.faults.items() if cuts is None]

    def table(self) -> str:
        """As people read it."""
        lines = ["| cut at | kills | different points |", "|---|---|---|"]
        lines += [
            f"| {kind} | {self.by_kind[kind]} | {len(points)} |"
            for kind, points in sorted(self.points.items())
        ]
        lines += ["", "| step | kills |", "|---|---|"]
        lines += [f"| {step} | {count} |" for step, count in sorted(self.by_step.items())]
        if self.faults:
            lines += ["", "| fault planted | cuts until it was found |", "|---|---|"]
            lines += [f"| {fault} | {cuts or 'never'} |" for fault, cuts in self.faults.items()]
        lines += [
            "",
            f"kills {self.kills}, done before the kill {self.not_reached}, "
            f"stores lost as well {self.stores_lost}, {self.seconds:.0f} s, seed {self.seed}",
            f"violations {len(self.violations)}",
        ]
        return "\n".join([*lines, *self.violations])
