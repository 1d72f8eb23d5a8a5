"""Where an entry point can die: a line of ours, a file touched, an SQL statement (before, inside,
after it), any moment at all.

`armed` is called in the child that will die. It counts points of one kind and, at the wanted one,
either dies there or notifies the driver, which kills so many milliseconds later: inside DuckDB's
commit, its checkpoint, a move.
"""

from __future__ import annotations

import mmap
import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import storage.store

ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(
    str(ROOT / part)
    for part in (
        *("storage", "stages", "flows", "runtime", "ingest.py", "inference.py", "monitor.py"),
        *("forecasting/champion.py", "reports/orders_page.py", "reports/watch.py"),
    )
)
PAGES = str(ROOT / "expectations" / "pages.py")
TOUCHES = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "fcntl.flock",
    "shutil.copyfile",
}
KINDS = ("line", "touch", "statement", "moment")
_SLOT_BYTES = 400  # driver and child share them


@dataclass(frozen=True)
class Point:
    """The `count`-th point of a kind, and how long after it the driver kills; a delay of None: the
    child dies on it.
    """

    kind: str
    count: int
    delay_s: float | None = None


class Slot:
    """A line of text that outlives the child that wrote it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOT_BYTES)

    def write(self, text: str) -> None:
        """Remember this text, the former one gone."""
        self._memory.seek(0)
        self._memory.write(text.encode()[: _SLOT_BYTES - 1].ljust(_SLOT_BYTES, b"\0"))

    def read(self) -> str:
        """The text written last."""
        self._memory.seek(0)
        return self._memory.read(_SLOT_BYTES).rstrip(b"\0").decode(errors="replace")


@dataclass
class Counter:
    """Counts the points of one run; at the wanted one, if any, it dies, or writes to `notify`."""

    slot: Slot
    notify: int | None = None
    wanted: Point | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    seconds: list[float] = field(default_factory=list)  # of each statement

    def passed(self, kind: str, name: str) -> None:
        """One more point of a kind."""
        self.counts[kind] += 1
        wanted = self.wanted
        if wanted is None or wanted.kind != kind or wanted.count != self.counts[kind]:
            return
        self.slot.write(name)
        if wanted.delay_s is None:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(self.notify, b"!")


def armed(counter: Counter, work: Path) -> None:
    """From here on lines, touches and statements of this process are counted."""
    kind = counter.wanted.kind if counter.wanted else None
    if kind in (None, "touch"):
        sys.addaudithook(_touches(counter, str(work)))
    if kind in (None, "line"):
        sys.settrace(_lines(counter))
    if kind in (None, "statement", "moment"):
        connect = storage.store.duckdb.connect
        storage.store.duckdb.connect = lambda *a, **k: _Counted(connect(*a, **k), counter)
    if kind == "moment":
        counter.passed("moment", "between statements")


def _lines(counter: Counter) -> Any:
    def inside(frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            path = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
            counter.passed("line", f"{path}:{frame.f_lineno}")
        return inside

    def entered(frame: Any, event: str, argument: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith((*OURS, PAGES)) else None

    return entered


def _touches(counter: Counter, work: str) -> Any:
    def hook(event: str, arguments: tuple) -> None:
        if event in TOUCHES and (event == "fcntl.flock" or str(arguments[0]).startswith(work)):
            name = Path(str(arguments[0])).name if event != "fcntl.flock" else ""
            counter.passed("touch", f"{event} {_unnumbered(name)}")

    return hook


class _Counted:
    """A connection whose statements are counted twice each: before and after."""

    def __init__(self, con: Any, counter: Counter) -> None:
        self._con, self._counter = con, counter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)

    def execute(self, statement: str, *arguments: Any) -> Any:
        return self._around(statement, lambda: self._con.execute(statement, *arguments))

    def sql(self, statement: str, **arguments: Any) -> Any:
        return self._around(statement, lambda: self._con.sql(statement, **arguments))

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._around("close", self._con.close)

    def _around(self, statement: str, work: Any) -> Any:
        name = " ".join(statement.split())[:90]
        if self._counter.wanted and self._counter.wanted.kind == "moment":
            self._counter.slot.write(f"inside: {name}")
        self._counter.passed("statement", f"before: {name}")
        since = time.perf_counter()
        try:
            result = work()
        finally:  # a statement that is refused took its time too
            self._counter.seconds.append(time.perf_counter() - since)
        if self._counter.wanted and self._counter.wanted.kind == "moment":
            self._counter.slot.write("between statements")
        self._counter.passed("statement", f"after: {name}")
        return result


def _unnumbered(name: str) -> str:
    """A file's name without hashes and times, so that equal points count once."""
    return re.sub(r"[0-9a-f]{64}_|\d{8}T\d{6}-|[0-9]+", "#", name)
