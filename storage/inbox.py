"""The inbox and the archive: which files are taken, where they lie afterwards.

Names are data here, never paths. Others may write to the inbox, so nothing of ours lies in it: lock
and lists lie beside it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from runtime.disk import disk_refusals, flush_to_disk, sha256_of
from runtime.file_names import fits
from runtime.file_times import in_order_of_time
from storage.claims import claimed

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
_PLANS = ("calendar", "price", "sell_price")  # plans before the sales they explain
_READABLE_BY_GROUP = 0o640
_DISCARDED = "discarded.json"
_LOCK = "inbox.lock"
_QUIET_S = 60


def waiting_files(
    inbox: Path, plans: Sequence[str] = (), companions: Sequence[str] = ()
) -> list[Path]:
    """Regular files directly in the inbox, plans first, then oldest first: of two that state a day,
    the newer counts.

    Links, folders, hidden and unfinished files are left alone, and so are companions, which are
    read beside others. `plans` and `companions` are patterns of names.
    """
    if not inbox.is_dir():
        return []
    files = [
        path
        for path in inbox.iterdir()
        if path.is_file() and not path.is_symlink() and _is_finished(path.name)
    ]
    files = [path for path in files if not _matches(path.name, companions)]
    is_plan = {path: _is_plan(path.name, plans) for path in files}
    first = [path for path in files if is_plan[path]]
    others = [path for path in files if not is_plan[path]]
    return [*in_order_of_time(first), *in_order_of_time(others)]


def is_still_written(path: Path, min_age_s: float) -> bool:
    """Whether somebody has the file open to write to it, as an upload that pauses does; or whether
    it was written less than `min_age_s` ago.

    Of another user's file nobody says who has it open (nor on a share): there the age must do. One
    of the future counts as old, or it would wait for ever.
    """
    age_s = time.time() - path.lstat().st_mtime
    return 0 <= age_s < min_age_s or _is_open_for_writing(path)


def _is_open_for_writing(path: Path) -> bool:
    """By a lease on reading, which the system gives only where nobody writes."""
    with suppress(AttributeError, OSError):  # another system; a file that is not there any more
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            # who opens it meanwhile has us signalled: by one that ends no process
            fcntl.fcntl(opened, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
        finally:
            os.close(opened)
    return False


def waiting_folders(inbox: Path, pattern: str) -> list[list[Path]]:
    """Folders of parts directly in the inbox whose name fits, oldest first; links and hidden ones
    are left alone. Those that say a column (till=1, till=2) are one table, so one group, last.

    One without Spark's mark `_SUCCESS` waits until nothing in it was written for a minute.
    """
    if not inbox.is_dir():
        return []
    folders = [
        path
        for path in inbox.iterdir()
        if path.is_dir()
        and not path.is_symlink()
        and _is_finished(path.name)
        and fits(path.name, pattern)
    ]
    keyed = sorted(path for path in folders if "=" in path.name)
    others = [path for path in folders if "=" not in path.name and _is_whole(path)]
    groups = [[path] for path in in_order_of_time(others)]
    return [*groups, keyed] if keyed and all(map(_is_whole, keyed)) else groups


def never_taken(inbox: Path, pattern: str | None) -> dict[str, str]:
    """What lies in the inbox and no run will take, and why: folders whose name does not fit
    (None: none does), links, pipes. Hidden and unfinished ones are nobody's mistake.
    """
    found = {}
    for path in sorted(inbox.iterdir()) if inbox.is_dir() else []:
        if not _is_finished(path.name):
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            found[path.name] = "it is a link, a pipe or a device, and only files are taken"
        elif path.is_dir() and not (pattern and fits(path.name, pattern)):
            found[path.name] = (
                "it is a folder, and its name does not fit source.files.sales: move its files into "
                "the inbox itself, or rename it"
            )
    return found


def lay_in(path: Path, inbox: Path, name: str, *, replaces: bool = False) -> Path:
    """A file of ours moved into the inbox, whole or not at all, and where it lies: under its name,
    or numbered like a browser's download where that one is taken. `replaces`: instead of the one
    of its name, which stays there and is read beside others.
    """
    unfinished = inbox / f".{sha256_of(path)}.part"
    with disk_refusals(inbox):
        inbox.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        shutil.copy2(path, unfinished)
        flush_to_disk(unfinished)
        target = inbox / name if replaces else _free(inbox, name)
        unfinished.replace(target)
        flush_to_disk(inbox)
    path.unlink()
    return target


def _free(inbox: Path, name: str) -> Path:
    stem, suffix = Path(name).stem, Path(name).suffix
    numbered = (f"{stem} ({number}){suffix}" for number in range(1, 10_000))
    names = (name, *numbered)
    return next(inbox / one for one in names if not os.path.lexists(inbox / one))


def withdraw_untaken(inbox: Path, hashes: Mapping[str, str]) -> None:
    """Take files of ours out of the inbox that no run has taken yet: a newer one holds their rows.
    `hashes`: the content by name; a file of another content is somebody else's.
    """
    for name, sha256 in hashes.items():
        path = inbox / Path(name).name
        with suppress(PermissionError, FileNotFoundError):
            if path.is_file() and not path.is_symlink() and sha256_of(path) == sha256:
                path.unlink()


def discard(inbox: Path, taken: Sequence[Path], hashes: Mapping[str, str]) -> None:
    """Take files and folders out of the inbox that were archived together. Their names are written
    down first: killed in between, the next run goes on (`finish_discarding`).

    `hashes`: the content of each file by its name; a file that changed since is left.
    """
    unfinished = inbox.parent / f".{_DISCARDED}"
    with disk_refusals(inbox):
        names = {path.name: hashes.get(path.name) for path in taken}
        unfinished.write_text(json.dumps(names), encoding="utf-8")
        flush_to_disk(unfinished)
        unfinished.replace(inbox.parent / _DISCARDED)
    finish_discarding(inbox)


def finish_discarding(inbox: Path) -> None:
    """Take out of the inbox what an earlier run archived together and did not come to take out."""
    listed = inbox.parent / _DISCARDED
    if not listed.is_file():
        return
    for name, sha256 in json.loads(listed.read_text(encoding="utf-8")).items():
        path = inbox / Path(name).name
        with suppress(PermissionError, FileNotFoundError):
            if path.is_dir() and not path.is_symlink() and sha256 is None:
                shutil.rmtree(path)
            elif sha256 is not None and sha256_of(path) == sha256:
                path.unlink()
    listed.unlink()


@contextmanager
def claimed_inbox(inbox: Path, wait_s: float) -> Iterator[None]:
    """The inbox for this process alone, so that no file is taken by two. StoreBusy names who has
    it; a kill frees it.
    """
    with disk_refusals(inbox):
        inbox.mkdir(parents=True, exist_ok=True)
    with claimed(inbox.parent / _LOCK, f"the inbox '{inbox}' is being taken", wait_s):
        yield


def archive_file(path: Path, archive: Path, sha256: str) -> Path | None:
    """Move a file into the archive under its hash, whole or not at all, a content once.

    None for a file that was written to since it was read: it lies where it was, to be taken again.
    """
    folder = archive / sha256[:2]
    with disk_refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        same = next(iter(sorted(folder.glob(f"{sha256}_*"))), None)
        if same is not None and sha256_of(same) == sha256:
            return _taken_away(path, same, sha256)
        target = same or folder / f"{sha256}_{safe_name(path.name)}"
        _move(path, target)
        if target.is_symlink() or sha256_of(target) != sha256:
            _move_back(target, path)
            return None
        flush_to_disk(folder)
    return target


def _taken_away(path: Path, same: Path, sha256: str) -> Path | None:
    """Where the content lies already; the file goes, if it is that content still."""
    if sha256_of(path) != sha256:
        return None
    with suppress(PermissionError):
        path.unlink()
    return same


def _move_back(arrived: Path, path: Path) -> None:
    """A file back where it was, unless a newer one lies there meanwhile."""
    if path.exists() or arrived.is_symlink():
        arrived.unlink()  # a copy: the file was not ours to move, or was sent once more
    else:
        shutil.move(arrived, path)


def _move(path: Path, target: Path) -> None:
    """Rename; where the inbox is a disk of its own or the file somebody else's, copy first: the
    file is never in neither, and nobody but us may change what is archived. One that may not be
    taken away stays in both: the next run finds its content known.
    """
    try:
        _protect(path)
        path.replace(target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EACCES):
            raise
        unfinished = target.with_name(f".{target.name}.part")
        shutil.copyfile(path, unfinished)
        unfinished.chmod(_READABLE_BY_GROUP)
        flush_to_disk(unfinished)
        unfinished.replace(target)
        with suppress(PermissionError):
            path.unlink()


def _protect(path: Path) -> None:
    """Nobody but us may change the file; it survives the power. A link is not followed."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fchmod(opened, _READABLE_BY_GROUP)
        os.fsync(opened)
    finally:
        os.close(opened)


def not_archived(archive: Path, ledger: pl.DataFrame) -> list[str]:
    """The names of the ledger's files that the archive does not hold with their content."""
    files = ledger.select("sha256", "name").unique(maintain_order=True)
    return [name for sha256, name in files.rows() if archived_file(archive, sha256) is None]


def archived_file(archive: Path, sha256: str) -> Path | None:
    """Where a content lies in the archive, taken or refused; None when it is missing or changed."""
    copies = archived_copies(archive, sha256)
    return next((path for path in copies if sha256_of(path) == sha256), None)


def archived_copies(archive: Path, sha256: str) -> list[Path]:
    """Every archived file that bears a content's hash, taken or refused."""
    folders = (archive / sha256[:2], archive / "refused" / sha256[:2])
    return [path for folder in folders for path in sorted(folder.glob(f"{sha256}_*"))]


def safe_name(name: str) -> str:
    """The name, only of characters that mean nothing to a file system, a shell or a page."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[-100:] or "unnamed"


def _is_plan(name: str, plans: Sequence[str]) -> bool:
    return name.lower().startswith(_PLANS) or _matches(name, plans)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fits(name, pattern) for pattern in patterns)


def _is_whole(folder: Path) -> bool:
    if (folder / "_SUCCESS").is_file():
        return True
    with suppress(FileNotFoundError):
        newest = max(path.lstat().st_mtime for path in [folder, *folder.rglob("*")])
        return time.time() - newest >= _QUIET_S
    return False


def is_unfinished(name: str) -> bool:
    """Whether a name is hidden, or one that programs give to what they still write."""
    return not _is_finished(name)


def _is_finished(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.lower().endswith(_UNFINISHED)
