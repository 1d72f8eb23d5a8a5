"""Which files a source has, and which of them are one delivery."""

from __future__ import annotations

import hashlib
import os
from functools import cache, partial
from pathlib import Path

from contract.errors import BadParams, SourceMissing
from contract.params import FilesParams, SourceParams
from runtime.disk import sha256_of
from runtime.file_names import fits
from runtime.file_times import in_order_of_time
from sources import m5
from sources.contents import is_junk
from sources.deliveries import DaysOf, files_in, is_folder_of_parts, joined_by_days, name_of
from sources.reading import (
    AFTER_SALES,
    days_in,
    delivered_together,
    fact_of,
    sales_first,
    static_of,
)
from sources.tables import names_in

# the order to ingest
CANONICAL = (
    "calendar*",
    "prices*",
    "openings*",
    "sales_history*",
    "sales*",
    "totals*",
    "supply*",
    "stock*",
)


def files_of(source: SourceParams) -> list[Path]:
    """The files of a source's folder that go through the inbox, in the order to ingest: calendar,
    prices, sales.

    Empty for the simulator without a folder, which drops its own, and for a database or bucket.
    SourceMissing names the files that are there.
    """
    if source.path is None:
        if source.kind in ("simulator", "sql") or source.bucket is not None:
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
        found = sales_first(found, source)
    if not found:
        wanted = m5.NAMES if source.kind == "m5" else _patterns(source)
        raise SourceMissing(f"'{path}' holds no file named {wanted}; it holds {names_in(path)}.")
    return found


def deliveries_of(source: SourceParams) -> list[list[Path]]:
    """The same files in the groups in which they are delivered; see sources.deliveries."""
    files = files_of(source)
    if not source.is_mapped or source.path is None or len(files) < 2:
        return [[file] for file in files]
    groups = _matching(Path(source.path), _patterns(source))
    single = [group[0] for group in groups if len(group) == 1]
    days_of = cache(partial(days_in, source=source))  # both ways to join them ask
    alone = {group[0]: group for group in delivered_together(single, source, days_of)}
    ordered = [group if len(group) > 1 else alone.get(group[0]) for group in groups]
    joined = _tills_joined([group for group in ordered if group], source, days_of)
    return sorted(joined, key=lambda group: fact_of(group[0], source) in AFTER_SALES)


def _tills_joined(
    groups: list[list[Path]], source: SourceParams, days_of: DaysOf
) -> list[list[Path]]:
    """The deliveries, those of invoice lines that state the same days as one, in whatever folders
    they lie.
    """
    root = Path(str(source.path))
    sales = {file for group in _matching(root, (source.files.sales,)) for file in group}
    lines = [group for group in groups if group[0] in sales]
    if not source.files.transactions or all(file.parent == root for file in sales):
        return groups
    joined = joined_by_days(lines, days_of)
    first = groups.index(lines[0])
    others = [group for group in groups[first:] if group[0] not in sales]
    return [*groups[:first], *joined, *others]


def delivery_name(files: list[Path], source: SourceParams) -> str:
    """What a delivery of the source is called; by its folder, too, where that is what a pattern
    names.
    """
    name = name_of(files)
    if not source.is_mapped or source.path is None or not Path(source.path).is_dir():
        return name
    folder, way = Path(source.path), files[0].relative_to(source.path).parts
    if len(way) == 1 and fact_of(Path(name), source) is not None:
        return name
    return name_of(files, way[0] if len(way) > 1 else folder.name)


def companions_of(source: SourceParams) -> list[Path]:
    """Files read beside others and never ingested themselves (your static file): part of the
    source's content.
    """
    static = static_of(source, None) if source.is_mapped else None
    return [static] if static else []


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


def _patterns(source: SourceParams) -> tuple[str, ...]:
    if source.kind == "simulator":
        return CANONICAL
    mapping: FilesParams = source.files
    patterns = (mapping.calendar, mapping.prices, mapping.sales, mapping.plans)
    beside = (mapping.totals, mapping.supply, mapping.stock)
    return tuple(one for one in (*patterns, *beside) if one)


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
    """The deliveries that a pattern finds in a folder, oldest first."""
    if "/" in pattern or "**" in pattern:
        return _found_below(folder, pattern)
    entries = [path for path in folder.iterdir() if fits(path.name, pattern)]
    if pattern.startswith("*"):  # else it was meant, whatever it is called
        entries = [path for path in entries if not is_junk(path.name)]
    files = [path for path in entries if path.is_file()]
    folders = [
        path for path in entries if path.is_dir() and (not files or is_folder_of_parts(path))
    ]
    keyed = [path for path in folders if "=" in path.name]  # parts of one table
    together = [[file for one in sorted(keyed) for file in files_in(one)]]
    others = in_order_of_time([path for path in entries if path in {*files, *folders} - {*keyed}])
    groups = [[path] if path.is_file() else files_in(path) for path in others]
    found = [group for group in [*groups, *together] if group]
    if not found and fits(folder.name, pattern):  # the source is itself a folder of parts
        return [group for group in [files_in(folder)] if group]
    return found


def _found_below(folder: Path, pattern: str) -> list[list[Path]]:
    """What a pattern that names folders finds: files beside each other one by one, all that lies
    below as one delivery.
    """
    direct = pattern.replace("**/", "")
    ways = {path: path.relative_to(folder).as_posix() for path in files_in(folder)}
    found = [path for path, way in ways.items() if fits(way, pattern) or fits(way, direct)]
    below = [path for path in found if path.parent != folder]
    beside = in_order_of_time([path for path in found if path.parent == folder])
    return [[path] for path in beside] + [group for group in [below] if group]
