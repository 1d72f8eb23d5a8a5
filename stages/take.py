"""One file taken: whole or not at all, and what became of it, whatever it does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from contract.errors import (
    BadInput,
    BadUsage,
    DiskRefused,
    MemoryRefused,
    StoreBroken,
    StoreBusy,
)
from contract.params import Params
from runtime.command_line import Summary
from runtime.disk import sha256_of
from runtime.one_line import one_line
from runtime.paths import Paths
from stages.judged_facts import readable
from stages.take_file import FileFound, Taken, judge_and_write
from stages.tries import MOST_TRIES, marked, read_apart
from storage.inbox import is_still_written

log = logging.getLogger("ingest")

_OF_EVERY_FILE = (StoreBroken, StoreBusy, DiskRefused, BadUsage)  # the next one meets them, too
_PANIC = "PanicException"  # of a library in Rust; each has its own, and none is an Exception
_LONGEST_ERROR = 500  # characters of a message nobody wrote for people
WRITTEN = "somebody still writes it; it is left to the next run"
STATUSES = ("accepted", "known", "refused", "growing")


def take(
    path: Path,
    params: Params,
    paths: Paths,
    now: datetime,
    *,
    dry_run: bool = False,
    is_history: bool = False,
) -> Taken:
    """One file from where it lies into store and archive; what became of it, with counts.

    Whatever a file does, it keeps no other waiting: what cannot be read now is left to the next
    run, what fails in a way that nobody foresaw is refused like any.
    """
    try:
        before, sha256 = path.stat(), sha256_of(path)
    except OSError as error:
        reason = f"cannot be read now ({error.strerror}); it is left to the next run"
        return Taken(one_line(path.name), "growing", 0, 0, reason, [])
    if not is_history and is_still_written(path, params.ingest.min_age_s):
        return Taken(one_line(path.name), "growing", 0, 0, WRITTEN, [])
    file = FileFound(path, before, sha256, now, is_history)
    if dry_run or is_history:  # nothing is kept of a dry run, and beside a fill a person waits
        taken = _taken(file, params, paths, dry_run)
    else:
        with marked(paths, sha256) as tries:
            taken = _taken(file, params, paths, dry_run, _reason_of(tries, file, params, paths))
    _log_taken(taken)
    return taken


def taken_or_refused(
    name: str, work: Callable[[], Taken], refused: Callable[[str], Taken]
) -> Taken:
    """What `work` makes of something in the inbox; what `refused` makes of it, and of the reason,
    where `work` fails in a way that nobody foresaw.

    This one place goes on after an error of any kind (docs/design/data.md, No file stops the
    inbox): it is named, logged with its traceback, and refused. What the next file would meet, too,
    ends the run.
    """
    try:
        return work()
    except _OF_EVERY_FILE:
        raise
    except BaseException as error:
        if ends_the_process(error):
            raise
        log.exception("failed file=%s error=%s", json.dumps(name), type(error).__name__)
        reason = failure_of(error, name)
    return refused(reason)


def ends_the_process(error: BaseException) -> bool:
    """Whether an error is no failure: somebody ends the process."""
    return not isinstance(error, Exception) and type(error).__name__ != _PANIC


def lies_there(name: str, reason: str) -> Taken:
    """Of something that was refused and cannot be set aside either: it goes on lying there."""
    return Taken(name, "refused", 0, 0, f"{reason} It still lies in the inbox.", [])


def _taken(
    file: FileFound, params: Params, paths: Paths, dry_run: bool, reason: str | None = None
) -> Taken:
    """`reason`: why the file is refused unread."""
    name = one_line(file.path.name)

    def refused(why: str) -> Taken:
        return judge_and_write(file, params, paths, dry_run, why)

    def refused_or_left(why: str) -> Taken:
        return taken_or_refused(name, lambda: refused(why), lambda _: lies_there(name, why))

    return taken_or_refused(
        name, lambda: judge_and_write(file, params, paths, dry_run, reason), refused_or_left
    )


def failure_of(error: BaseException, name: str) -> str:
    """Why a file is refused that failed in a way nobody foresaw, for people."""
    said = readable((str(error).splitlines() or [""])[0])[:_LONGEST_ERROR]
    if isinstance(error, BadInput):
        return said
    if isinstance(error, MemoryError | MemoryRefused):
        return (
            f"'{name}' needs more memory than there is ({said}). Send it in parts, or give the "
            "process more and drop it again."
        )
    return (
        f"'{name}' failed in a way that is not foreseen ({type(error).__name__}: {said}). The log "
        "holds the traceback. Export the file again in another way; if it fails again, report it."
    )


def _reason_of(tries: int, file: FileFound, params: Params, paths: Paths) -> str | None:
    """Why a file is refused unread whose earlier tries ended their process; None: it can be read
    now.
    """
    if not tries:
        return None
    name = one_line(file.path.name)
    log.warning("tried again file=%s tries=%d", json.dumps(name), tries)
    why = f"{tries} runs ended while they took it" if tries >= MOST_TRIES else None
    why = why or read_apart(file.path, params, paths, file.now)
    return why and (
        f"'{name}' was set aside: {why}. Export it again in another way or in parts; "
        "give the machine more memory if it is honest."
    )


def summary_of(files: list[Taken]) -> Summary:
    """The counts of a run, and what is worth reading of its files."""
    rows_in = sum(file.rows_in for file in files)
    rows_refused = sum(file.rows_refused for file in files)
    counts = {"rows_in": rows_in, "rows_refused": rows_refused, "rows_out": rows_in - rows_refused}
    counted = " ".join(f"{name}={count}" for name, count in counts.items())
    log.info("ended files=%d %s", len(files), counted)
    statuses = [file.status for file in files]
    return {
        "files": len(files),
        **{status: statuses.count(status) for status in STATUSES},
        **counts,
        "why_refused": {
            file.name: file.reason for file in files if file.reason and file.status == "refused"
        },
        "notes": [
            *(note for file in files for note in file.notes),
            *(f"{file.name}: {file.reason}" for file in files if _waits_for(file)),
        ],
    }


def _waits_for(file: Taken) -> bool:
    """Whether a file was left to the next run for a reason that a person may want to read."""
    return file.status == "growing" and file.reason is not None


def refuse_if_refused(summary: Summary) -> Summary:
    """The summary of a run; BadInput where a file was refused whole."""
    if summary["why_refused"]:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in summary["why_refused"].items())
        refused, files = summary["refused"], summary["files"]
        others = ", the others taken" if refused < files else ""
        raise BadInput(f"{refused} of {files} files refused whole{others}. {reasons}")
    return summary


def _log_taken(file: Taken) -> None:
    level = logging.WARNING if file.reason or file.notes else logging.INFO
    rows_out = file.rows_in - file.rows_refused
    counts = f"rows_in={file.rows_in} rows_refused={file.rows_refused} rows_out={rows_out}"
    # a file's name is somebody else's text: quoted, it cannot forge a log line
    what = f"file={json.dumps(file.name)} status={file.status} {counts}"
    log.log(level, "took %s notes=%s reason=%s", what, file.notes, file.reason)
