"""The shop an app serves: read from the dashboards' copy, changed in the store, copied anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from contract.params import Params
from queries.export import snapshot
from queries.planner import renew_planner_page
from runtime.command_line import Summary
from runtime.paths import Paths

T = TypeVar("T")


class CopiedPaths(Paths):
    """A data folder whose store is the dashboards' copy: reading it makes no writer wait."""

    @property
    def store(self) -> Path:
        """The copy."""
        return self.snapshot


@dataclass
class Shop:
    """Params, the store, and its copy.

    One request at a time touches a store: DuckDB opens a file once a process, for reading or for
    writing.
    """

    params: Params
    paths: Paths
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def copied(self) -> Paths:
        """Where queries read."""
        return CopiedPaths(self.paths.root)

    def open(self) -> None:
        """A copy where there is none yet."""
        with self.lock:
            if not self.paths.snapshot.exists():
                snapshot(self.params, self.paths)

    def read(self, query: Callable[..., T], *arguments: object) -> T:
        """What a query says of the copy."""
        with self.lock:
            return query(self.params, self.copied, *arguments)

    def change(self, work: Callable[[], Summary]) -> Summary:
        """What a stage did to the store; the copy is renewed after it."""
        with self.lock:
            done = work()
            snapshot(self.params, self.paths)
        return done

    def renew_page(self) -> None:
        """The planner's page anew, from the copy."""
        with self.lock:
            renew_planner_page(self.params, self.copied)
