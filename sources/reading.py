"""What ingest reads: which files a source has, and what a file holds."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import polars as pl

from contract.errors import BadInput, BadParams, SourceMissing
from contract.params import FilesParams, SourceParams
from contract.received import Received
from runtime.disk import sha256_of
from runtime.file_times import in_order_of_time
from sources import m5
from sources.canonical import read_canonical
from sources.contents import is_junk
from sources.deliveries import files_in, grouped, name_of, ways_of
from sources.files import days_of_sales, read_plans, read_sales
from sources.plans import read_calendar, read_prices
from sources.size import refuse_oversized
from sources.tables import names_in

# what the engine that reads tables raises; a panic is no Exception
_ENGINES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
CANONICAL = ("calendar*", "prices*", "openings*", "sales_history*", "sales*")  # the order to ingest


def files_of(source: SourceParams) -> list[Path]:
    """The files of a source's folder that go through the inbox, in the order to ingest: calendar,
    prices, sales.

    Empty for the simulator without a folder: it drops its own. SourceMissing names the files that
    are there.
    """
    if source.path is None:
        if source.kind == "simulator":
            return []
        raise BadParams(
            f"source.path is empty; "
            f"source.kind {source.kind} needs the folder or file of its files."
        )
    path = Path(source.path)
    if not path.exists():
        raise SourceMissing(
            f"source.path '{path}' does not exist; '{path.parent}' holds {names_in(path.parent)}."
        )
    if path.is_file():
        return [path]
    if source.kind == "m5":
        found = m5.files_in(path)
    else:
        found = [file for group in _matching(path, _patterns(source)) for file in group]
    if not found:
        wanted = m5.NAMES if source.kind == "m5" else _patterns(source)
        raise SourceMissing(f"'{path}' holds no file named {wanted}; it holds {names_in(path)}.")
    return found


def deliveries_of(source: SourceParams) -> list[list[Path]]:
    """The same files in the groups in which they are delivered; see sources.deliveries."""
    files = files_of(source)
    if source.kind != "files" or source.path is None or len(files) < 2:
        return [[file] for file in files]
    groups = _matching(Path(source.path), _patterns(source))
    folders = {file for group in groups if len(group) > 1 for file in group}
    single = [group[0] for group in groups if group[0] not in folders]
    alone = {group[0]: group for group in delivered_together(single, source)}
    ordered = [group if group[0] in folders else alone.get(group[0]) for group in groups]
    return [group for group in ordered if group]


def delivery_name(files: list[Path], source: SourceParams) -> str:
    """What a delivery of the source is called; by its folder, too, where that is what a pattern
    names.
    """
    name = name_of(files)
    if source.kind != "files" or source.path is None or not Path(source.path).is_dir():
        return name
    folder, way = Path(source.path), files[0].relative_to(source.path).parts
    if len(way) == 1 and _fact_of(Path(name), source) is not None:
        return name
    return name_of(files, way[0] if len(way) > 1 else folder.name)


def delivered_together(files: list[Path], source: SourceParams) -> list[list[Path]]:
    """Files of one fill or one morning, those that are one delivery together, in their order."""
    if source.kind != "files" or len(files) < 2:
        return [[file] for file in files]
    sales = [file for file in files if _fact_of(file, source) == "sales"]
    groups = {group[0]: group for group in grouped(sales, source, lambda file: _days(file, source))}
    others = {file: [file] for file in files if file not in set(sales)}
    return [(groups | others)[file] for file in files if file in groups or file in others]


def _days(path: Path, source: SourceParams) -> set[date]:
    """The days a file of sales states; none where it cannot be read, which is told when it is
    taken.
    """
    try:
        refuse_oversized(path, source.max_unpacked_mb)
        return days_of_sales(path, source.files)
    except (BadInput, OSError, *_ENGINES):
        return set()


def companions_of(source: SourceParams) -> list[Path]:
    """Files read beside others and never ingested themselves (your static file): part of the
    source's content.
    """
    static = _static_of(source, None) if source.kind == "files" else None
    return [static] if static else []


def patterns_of(source: SourceParams) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of your plans, which are taken before the sales they explain, and of companions,
    which are not taken at all.
    """
    own = source.files
    if source.kind != "files":
        return (), ()
    plans = tuple(pattern for pattern in (own.calendar, own.prices, own.plans) if pattern)
    return plans, (own.static,) if own.static else ()


def content_hash(paths: list[Path]) -> str:
    """SHA-256 over the names and contents of the files: equal when nothing changed, wherever the
    folder lies.
    """
    total = hashlib.sha256()
    root = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    names = {path: path.relative_to(root).as_posix() for path in paths}
    for path in sorted(names, key=names.__getitem__):
        total.update(f"{names[path]}:{sha256_of(path)}\n".encode())
    return total.hexdigest()


def read_file(
    path: Path, source: SourceParams, *, calendar_path: Path | None = None
) -> list[Received]:
    """What one file holds, one Received per fact, each to become a batch.

    `calendar_path` dates M5's d_ columns and weeks; without it the calendar beside the file, then
    the one under source.path is taken. BadInput for a file that is not what its name and
    params.yaml say.
    """
    if not path.exists():
        raise SourceMissing(f"there is no file '{path}'; its folder holds {names_in(path.parent)}.")
    try:
        return _read(path, source, calendar_path)
    except _ENGINES as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"'{path.name}' holds something that cannot be read as a table ({reason}). Export it "
            "again, as CSV or Parquet with plain columns."
        ) from error


def _read(path: Path, source: SourceParams, calendar_path: Path | None) -> list[Received]:
    refuse_oversized(path, source.max_unpacked_mb)
    if source.kind == "simulator":
        return read_canonical(path, source.history_span_days)
    if source.kind == "m5":
        return m5.read_m5(
            path, calendar_path or _beside(path, source, m5.CALENDAR), source.history_span_days
        )
    return _read_mapped(path, source)


def _read_mapped(path: Path, source: SourceParams) -> list[Received]:
    mapping = source.files
    match _fact_of(path, source):
        case "calendar":
            return read_calendar(path, mapping)
        case "prices":
            return read_prices(path, mapping)
        case "plans":
            return read_plans(path, mapping)
        case "sales":
            return read_sales(path, mapping, _static_of(source, path), source.history_span_days)
    raise BadInput(
        f"'{path.name}' matches no pattern of source.files: sales {mapping.sales!r}, "
        f"calendar {mapping.calendar!r}, prices {mapping.prices!r}, plans {mapping.plans!r}. "
        "Rename it, or change the pattern in params.yaml."
    )


def _fact_of(path: Path, source: SourceParams) -> str | None:
    """What a file holds, by its name; None for a name that no pattern fits."""
    mapping, ways = source.files, [path.name, *ways_of(path.name)]
    for fact in ("calendar", "prices", "plans"):
        pattern = getattr(mapping, fact)
        if pattern and _fits(ways, pattern):
            return fact
    own = Path(source.path).name if source.path is not None else None
    return "sales" if own in ways or _fits(ways, mapping.sales) else None


def _fits(ways: list[str], pattern: str) -> bool:
    """Whether a name fits a pattern; one that names folders, too, fits by its last part."""
    return any(fnmatch(way, pattern) or fnmatch(way, PurePosixPath(pattern).name) for way in ways)


def _patterns(source: SourceParams) -> tuple[str, ...]:
    if source.kind == "simulator":
        return CANONICAL
    mapping: FilesParams = source.files
    return tuple(
        pattern
        for pattern in (mapping.calendar, mapping.prices, mapping.sales, mapping.plans)
        if pattern
    )


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[list[Path]]:
    """Files by pattern, then by time, each once; a folder of parts, and whatever a pattern finds in
    folders, is one group.
    """
    groups: list[list[Path]] = []
    met: set[Path] = set()
    for pattern in patterns:
        for group in _found(folder, pattern):
            if new := [file for file in group if file not in met]:
                groups.append(new)
                met.update(new)
    return groups


def _found(folder: Path, pattern: str) -> list[list[Path]]:
    entries = [path for path in folder.iterdir() if fnmatch(path.name, pattern)]
    files = [path for path in entries if path.is_file()]
    folders = [path for path in entries if path.is_dir() and not is_junk(path.name)]
    if "/" in pattern or "**" in pattern:
        direct = pattern.replace("**/", "")
        below = [
            path
            for path in files_in(folder)
            if fnmatch(name := path.relative_to(folder).as_posix(), pattern)
            or fnmatch(name, direct)
        ]
        files = [path for path in below if path.parent == folder]
        parts = [[path for path in below if path.parent != folder]]
    elif "=" in pattern or any("=" in one.name for one in folders):
        parts = [[file for one in sorted(folders) for file in files_in(one)]]
    else:
        parts = [files_in(one) for one in sorted(folders)]
    groups = [[file] for file in in_order_of_time(files)] + [part for part in parts if part]
    is_one = not groups and fnmatch(folder.name, pattern)  # the source is itself a folder of parts
    return [files_in(folder)] if is_one and files_in(folder) else groups


def _static_of(source: SourceParams, path: Path | None) -> Path | None:
    if source.files.static is None:
        return None
    found = _beside(path, source, source.files.static)
    if found is None:
        raise SourceMissing(
            f"no static file '{source.files.static}' beside the sales or under source.path "
            f"({source.path}). Copy it under source.path, where replays find it, too, or into the "
            "inbox, where it stays; or change source.files.static."
        )
    return found


def _beside(path: Path | None, source: SourceParams, pattern: str) -> Path | None:
    """The first file of that name pattern beside a file, else in the source's folder. Beside a file
    no link is followed: the inbox is open to others, and a link there could lead anywhere.
    """
    folders = [path.parent] if path else []
    if path and path.parent.name.startswith("."):  # a folder of ours in the inbox
        folders.append(path.parent.parent)
    beside = [
        found
        for folder in folders
        for found in sorted(folder.glob(pattern))
        if not found.is_symlink()
    ]
    own = Path(source.path) if source.path else None
    in_source = sorted((own if own.is_dir() else own.parent).glob(pattern)) if own else []
    return next((found for found in [*beside, *in_source] if found.is_file()), None)
