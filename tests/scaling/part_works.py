"""Work for parts, importable by workers."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.panel import Panel
from contract.whole import Table, numbers_of_all, one_row

RUNS = 3  # of a part until `Adding` is done


@dataclass(frozen=True)
class Adding:
    """Two totals, one by the other; `kills`: the part whose worker dies in a run of it (0: every
    run).
    """

    kills: str = ""
    in_run: int = 0

    def __call__(self, panel: Panel, folder: Path) -> None:
        """The share of all units that the part sold, written and reported."""
        runs = folder / "runs"
        with runs.open("a", encoding="ascii") as file:
            file.write(".")
        if folder.name == self.kills and self.in_run in (0, len(runs.read_text(encoding="ascii"))):
            os.kill(os.getpid(), signal.SIGKILL)
        own = float(panel.sales["y"].sum())
        kept = panel.whole.kept("own", lambda: {"units": np.array([own])})
        units = numbers_of_all(panel.whole, "units", {"units": float(kept["units"][0])})["units"]
        share = numbers_of_all(panel.whole, "shares", {"share": own / units})["share"]
        (folder / "share").write_text(repr((own / units, share)), encoding="ascii")
        panel.whole.report({"rows": one_row({"rows": panel.sales.height})})


def rows_of(added: dict[str, Table]) -> int:
    """What `Adding` reported of all parts."""
    return int(added["rows"].values["rows"][0])
