"""What lies in the inbox, taken: file by file, and together what is one delivery."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.errors import BadInput
from contract.params import Params
from runtime.disk import sha256_of
from runtime.paths import Paths
from sources.contents import is_left_alone
from sources.deliveries import files_in, name_of
from sources.reading import delivered_together, patterns_of, sales_first
from stages.public_holidays import stage_holidays
from stages.source_files import staged
from stages.take import Taken, take
from storage.inbox import discard, finish_discarding, waiting_files, waiting_folders


def take_inbox(
    params: Params, paths: Paths, *, now: datetime, dry_run: bool = False
) -> list[Taken]:
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
    groups = delivered_together(sales_first(files, source), source)
    taken = [
        take(group[0], params, paths, now, dry_run=dry_run)
        if len(group) == 1
        else _take_together(group, group, params, paths, now, dry_run)
        for group in groups
    ]
    folders = waiting_folders(inbox, source.files.sales) if source.kind == "files" else []
    parts = [_take_folders(group, params, paths, now, dry_run) for group in folders]
    return [*holidays, *taken, *parts]


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
    name = folders[0].name
    try:
        files = [file for folder in folders for file in files_in(folder)]
    except BadInput as error:
        return Taken(name, "refused", 0, 0, str(error), [])
    if not files:
        return Taken(name, "growing", 0, 0, "the folder holds no table yet", [])
    return _take_together(files, folders, params, paths, now, dry_run)


def _take_together(
    files: list[Path], lying: list[Path], params: Params, paths: Paths, now: datetime, dry_run: bool
) -> Taken:
    """Files as one delivery, packed into one that archive and replays can name; `lying`: what is
    then taken out of the inbox.
    """
    folder = paths.inbox / ".together"
    shutil.rmtree(folder, ignore_errors=True)
    try:
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
        return Taken(files[0].name, "growing", 0, 0, reason, [])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return taken


def _name_of(files: list[Path], lying: list[Path]) -> str:
    """What a delivery of the inbox is called: a folder's own name, else by its files."""
    if not lying[0].is_dir():
        return name_of(files)
    return lying[0].name if len(lying) == 1 else name_of(files, lying[0].name)
