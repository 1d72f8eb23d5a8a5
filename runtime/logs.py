"""Log lines: on stderr for people, and as JSON in a file a day for machines and the morning after.

A file a day needs no turning over: processes write beside each other, a line at a time, and whoever
begins removes what is old.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from runtime.one_line import OneLine, one_line

KEPT_DAYS = 30
OURS = ("ingest", "train", "evaluate", "inference", "monitor")  # a logger an entry point
LOUD_ABOUT_LITTLE = ("httpx", "httpcore")  # a line for each request to Prefect's server


def log_to_stderr() -> None:
    """Every record of this process on stderr, a line each; in place of what was set up before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in LOUD_ABOUT_LITTLE:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def logged_to(folder: Path, now: datetime) -> Iterator[None]:
    """The records of a block in `folder`/<day>.jsonl, too, which is made with the first of them.
    Files older than KEPT_DAYS are removed. A disk that is full or read-only ends nothing.
    """
    _remove_older(folder, f"{now - timedelta(days=KEPT_DAYS):%Y-%m-%d}.jsonl")
    root, handler = logging.getLogger(), _DayFile(folder / f"{now:%Y-%m-%d}.jsonl")
    root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)  # a worker of Prefect's sees warnings alone
        logging.getLogger(name).addFilter(_on_one_line)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with suppress(OSError):
            handler.close()


def _remove_older(folder: Path, oldest: str) -> None:
    old = folder
    try:
        for old in sorted(folder.glob("????-??-??.jsonl")):
            if old.name < oldest:
                old.unlink(missing_ok=True)
    except OSError as error:
        _say(old, "removed", error)


def _say(path: Path, what: str, error: OSError) -> None:
    """On stderr alone: no handler of the log takes it, so it cannot fail as they did."""
    said = one_line(f"the log '{path}' cannot be {what} ({error})")
    print(f"{said}; every line stands on stderr, the run goes on", file=sys.stderr)


def _on_one_line(record: logging.LogRecord) -> bool:
    """The record's message on one line, whoever writes it: Prefect's handlers have forms of their
    own, and a file's name could forge a line of theirs.
    """
    record.msg, record.args = one_line(record.getMessage()), ()
    return True


class _DayFile(logging.FileHandler):
    """A file that is there once something is written, and whose failure ends nothing: every line
    stands on stderr, too.
    """

    def __init__(self, path: Path) -> None:
        from pythonjsonlogger.json import JsonFormatter

        super().__init__(path, encoding="utf-8", delay=True, errors="backslashreplace")
        self.has_failed = False
        fields = ["levelname", "name", "process", "message"]
        renamed = {"levelname": "level", "name": "logger", "exc_info": "traceback"}
        self.setFormatter(JsonFormatter(fields, rename_fields=renamed, timestamp="at"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; the folder may not be there yet."""
        try:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)
        except OSError as error:
            self._let_go(error)

    def handleError(self, record: logging.LogRecord) -> None:  # its name in logging
        """A full disk is the matter of what fills it; what else fails is as logging has it."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._let_go(error)
        else:
            super().handleError(record)

    def _let_go(self, error: OSError) -> None:
        """Say it once, and drop what could not be written: the next record opens the file anew."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()
        if not self.has_failed:
            self.has_failed = True
            _say(Path(self.baseFilename), "written", error)
