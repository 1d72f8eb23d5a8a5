"""Which files are one delivery: parts of a folder, and tills that state the same days."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path, PurePosixPath

from contract.errors import BadInput
from contract.params import SourceParams
from runtime.disk import sha256_of
from runtime.file_times import day_in
from sources.contents import MOST_PARTS, is_junk, is_table_name, refuse_versioned

DaysOf = Callable[[Path], set[date]]  # the days that a file of sales states
JOINED, IN = " + ", " in "  # between the files of one delivery; before the folder that names them
_SPARK_PART = re.compile(r"part[-.]\d{1,5}(?:-[\w-]+)?(?:\.\w+)*")
_NAMED = 3  # files that a delivery's name names
_LONGEST, _LONGEST_FIRST = 40, 100  # bytes of each
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same parts are the same bytes, whenever they are packed


def files_in(folder: Path) -> list[Path]:
    """The files of tables below a folder, by their names: no link, nothing hidden, no system's own.

    BadInput for the folder of a Delta or Iceberg table.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    names = [path.relative_to(folder).as_posix() for path in found]
    refuse_versioned(names, folder.name)
    if len(names) > MOST_PARTS:
        raise BadInput(f"the folder '{folder.name}' holds over {MOST_PARTS} files.")
    return [
        path
        for path, name in zip(found, names, strict=True)
        if not is_junk(name)
        and is_table_name(name)
        and not any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)
    ]


def is_folder_of_parts(folder: Path) -> bool:
    """Whether a folder is one table that a program wrote in parts, and not a person's folder of
    files: by its mark, its name, or the names in it.
    """
    names = [path.name for path in folder.iterdir() if not path.name.startswith((".", "_"))]
    return (
        (folder / "_SUCCESS").is_file()
        or "=" in folder.name
        or (bool(folder.suffix) and is_table_name(folder.name))
        or (bool(names) and all("=" in name or _SPARK_PART.fullmatch(name) for name in names))
    )


def name_of(files: Sequence[Path], folder: str | None = None) -> str:
    """What a delivery is called: it begins as its first file does, and says the folder if that is
    what names it, so that patterns of names fit it.
    """
    first = _cut(files[0].name, _LONGEST_FIRST) + (
        f"{IN}{_cut(folder, _LONGEST)}" if folder else ""
    )
    names = [first, *(_cut(file.name, _LONGEST) for file in files[1:])]
    if len(files) <= _NAMED and len(set(names)) == len(names):
        return JOINED.join(names)
    return f"{first}{JOINED}{len(files) - 1} more"


def _cut(name: str, most: int) -> str:
    """The name, if it is longer than so many bytes its begin and its end."""
    content = name.encode("utf-8", "backslashreplace")
    if len(content) <= most:
        return name
    half = most // 2 - 1
    return f"{content[:half].decode(errors='ignore')}..{content[-half:].decode(errors='ignore')}"


def ways_of(name: str) -> list[str]:
    """The first file of a delivery as patterns may name it: its way from the source, its own name,
    its folder's.
    """
    file, _, folder = name.split(JOINED, maxsplit=1)[0].partition(IN)
    return [f"{folder}/{file}", file, folder] if folder else [file]


def pack(files: Sequence[Path], root: Path, target: Path) -> Path:
    """The files as one zip, named by their way from `root`; the same files make the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), _LONG_AGO)
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as part:
                while chunk := source.read(1 << 22):
                    part.write(chunk)
    return target


def root_of(folder: Path) -> Path:
    """The folder that parts are named from: above all that say a column (day=2026-01-01)."""
    while "=" in folder.name:
        folder = folder.parent
    return folder


def grouped(files: Sequence[Path], source: SourceParams, days_of: DaysOf) -> list[list[Path]]:
    """The files, those that are one delivery together, each group where its first file stood.

    Together are the parts that Spark wrote into one folder, and files of invoice lines that state
    the same days: a later one would replace what the earlier one said. Copies of one content are
    not: the second changes nothing.
    """
    groups: dict[object, list[Path]] = {}
    for file in files:
        is_part = _SPARK_PART.fullmatch(file.name) and not day_in(file.name)
        groups.setdefault((file.parent, file.suffix) if is_part else file, []).append(file)
    if source.files.transactions:
        return joined_by_days(list(groups.values()), days_of)
    return [one for group in groups.values() for one in _without_mere_copies(group)]


def joined_by_days(groups: Sequence[Sequence[Path]], days_of: DaysOf) -> list[list[Path]]:
    """Groups of files of invoice lines, those that state the same days as one, each where its first
    file stood; mere copies of one content each alone.
    """
    if len(groups) == 1:  # none to join: its days are not read
        return _without_mere_copies(list(groups[0]))
    joined: dict[int, list[Path]] = {}
    known: dict[date, int] = {}
    for number, group in enumerate(groups):
        days = sorted(set().union(*map(days_of, group)))
        sharing = list(dict.fromkeys(known[day] for day in days if day in known))
        first = sharing[0] if sharing else number
        for other in sharing[1:]:
            joined[first] += joined.pop(other)
            known |= {day: first for day, its in known.items() if its == other}
        known |= dict.fromkeys(days, first)
        joined.setdefault(first, []).extend(group)
    return [one for group in joined.values() for one in _without_mere_copies(group)]


def _without_mere_copies(group: list[Path]) -> list[list[Path]]:
    if len(group) > 1 and len({sha256_of(file) for file in group}) == 1:
        return [[file] for file in group]
    return [group]
