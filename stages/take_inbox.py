"""What lies in the inbox, taken: file by file, and together what is one delivery."""

from __future__ import annotations

import logging
import shutil
from contextlib import nullcontext
from datetime import date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.params import Params
from runtime.disk import sha256_of
from runtime.one_line import one_line
from runtime.paths import Paths
from sources.contents import is_left_alone
from sources.deliveries import files_in, name_of
from sources.reading import days_in, delivered_together, patterns_of, sales_first
from stages.public_holidays import stage_holidays
from stages.source_files import staged
from stages.take import WRITTEN, ends_the_process, lies_there, take, taken_or_refused
from stages.take_file import Taken
from stages.tries import has_mark, marked, read_apart
from storage.inbox import (
    discard,
    finish_discarding,
    is_still_written,
    never_taken,
    waiting_files,
    waiting_folders,
)

log = logging.getLogger("ingest")


def take_inbox(params: Params, paths: Paths, *, now: datetime, dry_run: bool) -> list[Taken]:
    """Every file in the inbox taken once, plans first; tills that state the same days, and the
    parts of a folder, as one delivery. Before them the public holidays, if params state any and
    they are new.
    """
    inbox, source = paths.inbox, params.source
    if not dry_run:
        finish_discarding(inbox)
    holidays = _take_holidays(params, paths, now, dry_run)
    waiting = waiting_files(inbox, *patterns_of(source))
    files = [file for file in waiting if not is_left_alone(file.name)]
    days_of = partial(_days_of, params=params, paths=paths, now=now, dry_run=dry_run)
    groups = delivered_together(sales_first(files, source), source, days_of)
    taken = [
        take(group[0], params, paths, now, dry_run=dry_run)
        if len(group) == 1
        else _take_together(group, group, params, paths, now, dry_run)
        for group in groups
    ]
    folders = waiting_folders(inbox, source.files.sales) if source.is_mapped else []
    parts = [_take_folders(group, params, paths, now, dry_run) for group in folders]
    pattern = source.files.sales if source.is_mapped else None
    left = [
        Taken(one_line(name), "growing", 0, 0, f"never taken: {why}", [])
        for name, why in never_taken(inbox, pattern).items()
    ]
    return [*holidays, *taken, *parts, *left]


def _days_of(path: Path, params: Params, paths: Paths, now: datetime, dry_run: bool) -> set[date]:
    """The days a file of sales states; none where reading it fails in any way, which is handled
    when the file is taken.
    """
    try:
        sha256 = sha256_of(path)
        if has_mark(paths, sha256) and read_apart(path, params, paths, now) is not None:
            return set()
        with nullcontext() if dry_run else marked(paths, sha256):
            return days_in(path, params.source)
    except BaseException as error:
        if ends_the_process(error):
            raise
        log.warning("days not read file=%s error=%s", path.name, type(error).__name__)
        return set()


def _take_holidays(params: Params, paths: Paths, now: datetime, dry_run: bool) -> list[Taken]:
    if not params.source.files.holidays:
        return []
    paths.root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".holidays-", dir=paths.root) as folder:
        files = stage_holidays(params, paths, Path(folder), now)
        return [take(file, params, paths, now, dry_run=dry_run) for file in files]


def _take_folders(
    folders: list[Path], params: Params, paths: Paths, now: datetime, dry_run: bool
) -> Taken:
    """A folder of parts, or several that are one table, as one delivery."""
    name = one_line(folders[0].name)

    def work() -> Taken:
        files = [file for folder in folders for file in files_in(folder)]
        if not files:
            return Taken(name, "growing", 0, 0, "the folder holds no table yet", [])
        return _take_together(files, folders, params, paths, now, dry_run)

    return taken_or_refused(name, work, lambda why: lies_there(name, why))


def _take_together(
    files: list[Path], lying: list[Path], params: Params, paths: Paths, now: datetime, dry_run: bool
) -> Taken:
    """Files as one delivery, packed into one that archive and replays can name; `lying`: what is
    then taken out of the inbox.
    """
    name = one_line(files[0].name)

    def work() -> Taken:
        return _packed_and_taken(files, lying, params, paths, now, dry_run)

    return taken_or_refused(name, work, lambda why: lies_there(name, why))


def _packed_and_taken(
    files: list[Path], lying: list[Path], params: Params, paths: Paths, now: datetime, dry_run: bool
) -> Taken:
    folder = paths.staging / "together"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if any(is_still_written(file, params.ingest.min_age_s) for file in files):
            return Taken(one_line(files[0].name), "growing", 0, 0, WRITTEN, [])
        hashes = {file: sha256_of(file) for file in files}
        whole = lying[0] if lying[0].is_dir() else None
        packed = staged(files, folder / _name_of(files, lying), whole)
        if {file: sha256_of(file) for file in files} != hashes:
            return Taken(packed.name, "growing", 0, 0, None, [])
        taken = take(packed, params, paths, now, dry_run=dry_run)
        if not dry_run and taken.status != "growing":
            names = {} if whole else {file.name: sha256 for file, sha256 in hashes.items()}
            discard(paths.inbox, lying, names)
    except (FileNotFoundError, PermissionError) as error:
        reason = f"cannot be read now ({error.strerror}); it is left to the next run"
        return Taken(one_line(files[0].name), "growing", 0, 0, reason, [])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return taken


def _name_of(files: list[Path], lying: list[Path]) -> str:
    """What a delivery of the inbox is called: a folder's own name, else by its files."""
    if not lying[0].is_dir():
        return name_of(files)
    return lying[0].name if len(lying) == 1 else name_of(files, lying[0].name)
