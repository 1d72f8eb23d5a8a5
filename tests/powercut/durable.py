"""SIGKILL leaves the system's write cache alive, a real power cut does not: is everything on disk
before it gets its name?

Watched in a run nobody kills: a file (or each file of a folder) renamed into its place has been
synced since its last write, and the folder it came into is synced afterwards. DuckDB syncs its own
files; it is trusted with them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_OF_DUCKDB = (".duckdb", ".wal")
# the journal's lower bound, pages: may go back to what they were, whole
_MAY_BE_OLD = ("committed", ".html", ".json", ".csv", ".xlsx")


class Watch:
    """What was synced and what was renamed, from `Watch(work)` on, below `work`."""

    def __init__(self, work: Path) -> None:
        self._work, self._sync = str(work), os.fsync
        self._synced: set[tuple] = set()
        self._entered: dict[int, str] = {}
        self._unsafe: list[str] = []
        os.fsync = self._syncing
        sys.addaudithook(self._renaming)

    def unsafe(self) -> list[str]:
        """What a power cut could have left empty, half, or under its old name."""
        left = [f"the folder was not synced after {path} came" for path in self._entered.values()]
        return sorted({*self._unsafe, *left})

    def _syncing(self, descriptor: int) -> None:
        self._sync(descriptor)
        state = os.fstat(descriptor)
        self._synced.add((state.st_ino, state.st_size, state.st_mtime_ns))
        self._entered.pop(state.st_ino, None)

    def _renaming(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "os.rename" or not str(arguments[0]).startswith(self._work):
            return
        source, target = Path(arguments[0]), Path(arguments[1])
        paths = [source] if source.is_file() else source.rglob("*")
        files = [path for path in paths if path.is_file()]
        ours = [path for path in files if path.suffix not in _OF_DUCKDB]
        self._unsafe += [
            f"{path.name} not synced before it became {target.name}"
            for path in ours
            if not self._has(path)
        ]
        if ours and not target.name.endswith(_MAY_BE_OLD):
            self._entered[target.parent.stat().st_ino] = str(target.relative_to(self._work))

    def _has(self, path: Path) -> bool:
        return _state(path) in self._synced


def _state(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns
