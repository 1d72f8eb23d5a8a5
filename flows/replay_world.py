"""The world of a replay: a folder with params, every file that will ever arrive, and what of it
lies in the inbox by now.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.params_file import load_params
from runtime.paths import Paths
from sources.simulator.arriving import arriving

HISTORY_DAYS = 400  # a year and a month: what happened 52 weeks ago is known
FIRST_DAY = date(2024, 1, 1)
OUTAGE_DAYS = 3
SMALL = {
    "train.rounds": 60,
    "train.leaves": 31,
    "train.max_rows": 150_000,
    "evaluate.origins": 3,
    "train.threads": 2,
}


@dataclass
class ReplayWorld:
    """Where the replay lives, what is still to arrive, and what it has counted."""

    params_file: Path
    paths: Paths
    coming: list[tuple[datetime, Path]]
    first_day: date  # the day the history arrives
    half_day: date  # its file comes as half a file first
    outage: frozenset[date]  # mornings on which production stands still
    counts: Counter[str] = field(default_factory=Counter)

    def deliver(self, now: datetime) -> None:
        """What has arrived by now, into the inbox; of the half day's file the second half is
        missing until the next morning.
        """
        while self.coming and self.coming[0][0] <= now:
            _, path = self.coming.pop(0)
            target = self.paths.inbox / path.name
            if path.name == f"sales_{self.half_day}.csv" and self.counts["half_files"] == 0:
                self.counts["half_files"] += 1
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                target.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
                self.coming.insert(0, (now + timedelta(hours=23), path))
            else:
                shutil.copy(path, target)


def build_world(root: Path, base: Path, days: int, series: int) -> ReplayWorld:
    """A fresh folder with params and all files that will ever arrive, still outside the inbox.

    `base`: the params it starts from. `days`: mornings after the history.
    """
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    simulator = {
        "series": series,
        "days": HISTORY_DAYS + days,
        "start": str(FIRST_DAY),
        "daily_files": days,
    }
    values = {f"source.simulator.{name}": value for name, value in simulator.items()}
    params_file, paths = root / "params.yaml", Paths(root / "data")
    _write_params(params_file, base, values | {"source.kind": "simulator"} | SMALL)
    coming = arriving(load_params(params_file).source.simulator, root / "supplier")
    paths.inbox.mkdir(parents=True)
    first = coming[0][0].date()
    half, outage = first + timedelta(days=days // 3), first + timedelta(days=days // 2)
    out = frozenset(outage + timedelta(days=k) for k in range(OUTAGE_DAYS))
    return ReplayWorld(params_file, paths, coming, first, half, out)


def _write_params(target: Path, base: Path, values: dict[str, Any]) -> None:
    """The params of the checkout with these values, named by their path."""
    from ruamel.yaml import YAML

    editor = YAML()
    raw = editor.load(base.read_text(encoding="utf-8"))
    for path, value in values.items():
        *sections, name = path.split(".")
        section = raw
        for inner in sections:
            section = section[inner]
        section[name] = value
    with target.open("w", encoding="utf-8") as file:
        editor.dump(raw, file)
