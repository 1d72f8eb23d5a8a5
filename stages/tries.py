"""A file that may end the process that reads it: how the next run knows, and how it finds out."""

from __future__ import annotations

import logging
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from signal import Signals

from contract.params import Params
from runtime.disk import disk_refusals
from runtime.memory import machine_mb
from runtime.paths import Paths

MOST_TRIES = 5  # runs that ended while they took a content: then it is set aside unread
_LONGEST_S = 900.0  # for which a file that ended a run may be read apart
_NO_MEMORY = 77  # an exit code that nothing else uses
_SHARE = 0.6  # of the machine's memory that it may take apart


@contextmanager
def marked(paths: Paths, sha256: str) -> Iterator[int]:
    """How many runs before ended, without a word, while they took this content. A mark stands while
    it is taken: what a process leaves there ended it, or was interrupted with it.
    """
    mark = paths.tries / sha256
    tries = _count(mark)
    with disk_refusals(paths.root):
        paths.tries.mkdir(parents=True, exist_ok=True)
        mark.write_text(str(tries + 1), encoding="ascii")
    try:
        yield tries
    finally:
        # whoever comes here has not been killed: an error has its own words
        mark.unlink(missing_ok=True)


def has_mark(paths: Paths, sha256: str) -> bool:
    """Whether a run ended without a word while it took this content."""
    return (paths.tries / sha256).exists()


def read_apart(path: Path, params: Params, paths: Paths, now: datetime) -> str | None:
    """Why a file cannot be read and judged, found out in a process of its own: it ends that one, or
    takes too long or too much memory. None: it can.
    """
    child = get_context("spawn").Process(target=_judge, args=(path, params, paths, now))
    child.start()
    return how_ended(child, _LONGEST_S)


def how_ended(child: BaseProcess, longest_s: float) -> str | None:
    """How a process that reads a file ended, in words; None: well."""
    child.join(longest_s)
    if child.is_alive():
        child.kill()
        child.join()
        return f"reading it takes over {longest_s:,.0f} seconds"
    code = child.exitcode or 0
    if code == _NO_MEMORY:
        return f"reading it takes more than {_SHARE:.0%} of the machine's memory"
    ended_by = Signals(-code).name if code < 0 else f"exit code {code}"
    return f"reading it ends the process ({ended_by})" if code else None


def _judge(path: Path, params: Params, paths: Paths, now: datetime) -> None:
    """In the other process. An error is none here: where the file is taken it has its own words."""
    from stages.judged_facts import judged_file  # so that nothing heavy is there before the limit

    if machine := machine_mb():
        most = int(machine * _SHARE * 2**20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        judged_file(path, params, paths, now, is_fill=False)
    except MemoryError:
        sys.exit(_NO_MEMORY)
    except BaseException as error:
        logging.getLogger("ingest").info("read apart error=%s", type(error).__name__)


def _count(mark: Path) -> int:
    with suppress(OSError, ValueError):
        return int(mark.read_text(encoding="ascii"))
    return 1 if mark.exists() else 0
