"""Work in a forked process that has the libraries loaded and none of our code: a run of tests costs
no start-up, and a mutant that hangs or aborts takes nothing with it.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401 -- warm for the children, like the next
import great_expectations  # noqa: F401
import hypothesis  # noqa: F401
import lightgbm  # noqa: F401
import pandas  # noqa: F401
import polars  # noqa: F401
import pyarrow.parquet  # noqa: F401
import pydantic  # noqa: F401
import pytest
import ruamel.yaml  # noqa: F401

_SLOT_BYTES = 400


class Slot:
    """A line of text that outlives the child that wrote it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOT_BYTES)

    def write(self, text: str) -> None:
        """Remember this text, the former one gone."""
        self._memory.seek(0)
        self._memory.write(text.encode()[:_SLOT_BYTES].ljust(_SLOT_BYTES, b"\0"))

    def read(self) -> str:
        """The text written last."""
        self._memory.seek(0)
        return self._memory.read(_SLOT_BYTES).rstrip(b"\0").decode(errors="replace")


@dataclass(frozen=True)
class Ended:
    """A process without a result: how it ended, and the test it was at."""

    how: str
    test: str


def forked(work: Callable[[Slot], Any], limit_s: float) -> Any:
    """The result of `work`, which must be JSON, or how it Ended without one. Whatever the process
    started ends with it.
    """
    reading, writing = os.pipe()
    at = Slot()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _be_child(lambda: work(at), writing)
    os.close(writing)
    text, deadline, is_done = b"", time.monotonic() + limit_s, False
    while select.select([reading], [], [], max(deadline - time.monotonic(), 0))[0]:
        if not (part := os.read(reading, 1 << 20)):
            is_done = True
            break
        text += part
    if not is_done:
        _end_group(pid)
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    _end_group(pid)
    if not is_done or not text:
        how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an exit"
        return Ended("too long" if not is_done else how, at.read())
    return json.loads(text)


def _be_child(work: Callable[[], Any], writing: int) -> None:
    os.setsid()
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        result = json.dumps(work()).encode()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(result)
    finally:
        os._exit(0)


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError):  # none is left of it
        os.killpg(pid, signal.SIGKILL)


class Tests:
    """A plugin of pytest: only these tests, in this order, each ended (and this process with it)
    after so many seconds; all, without any limit, for None. How long each took, which failed first,
    `at`: which is run.
    """

    def __init__(self, limits_s: dict[str, float] | None, at: Slot) -> None:
        self._at = at
        self._limits_s = limits_s or {}
        self._place = {name: k for k, name in enumerate(self._limits_s)}
        self.seconds: dict[str, float] = {}
        self.failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Those chosen, as they were ordered."""
        if self._place:
            items[:] = [item for item in items if item.nodeid in self._place]
            items.sort(key=lambda item: self._place[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Before each test: the alarm that nobody handles ends the process."""
        self._at.write(nodeid)
        signal.setitimer(signal.ITIMER_REAL, self._limits_s.get(nodeid, 0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Each phase of each test."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests that cannot be read."""
        if report.failed:
            self.failed = self.failed or report.nodeid


def run_tests(
    copy: Path, files: list[str], limits_s: dict[str, float] | None, more: list[str], at: Slot
) -> Any:
    """Tests of a copy of the checkout, run in this process: call it in a forked one."""
    os.chdir(copy)
    own = str(Path(__file__).resolve().parents[2])
    sys.path[:] = [str(copy), *(path for path in sys.path if path and not path.startswith(own))]
    tests = Tests(limits_s, at)
    quiet = ["-q", "-p", "no:cacheprovider", "--basetemp", f"{copy}.tmp"]
    # pytest would rewrite plugins that the libraries have loaded before it
    quiet += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    ended = pytest.main([*quiet, *more, *files], plugins=[tests])
    return {"ended": int(ended), "failed": tests.failed, "seconds": tests.seconds}
