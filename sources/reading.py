"""What ingest reads: which files a source has, and what a file holds."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatch
from pathlib import Path

from contract.errors import BadInput, BadParams, SourceMissing
from contract.params import FilesParams, SourceParams
from contract.received import Received
from runtime.disk import sha256_of
from sources import m5
from sources.canonical import read_canonical
from sources.files import read_plans, read_sales
from sources.plans import read_calendar, read_prices
from sources.size import refuse_oversized
from sources.tables import names_in

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
    found = m5.files_in(path) if source.kind == "m5" else _matching(path, _patterns(source))
    if not found:
        wanted = m5.NAMES if source.kind == "m5" else _patterns(source)
        raise SourceMissing(f"'{path}' holds no file named {wanted}; it holds {names_in(path)}.")
    return found


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
    for path in sorted(paths, key=lambda p: p.name):
        total.update(f"{path.name}:{sha256_of(path)}\n".encode())
    return total.hexdigest()


def read_file(
    path: Path, source: SourceParams, *, calendar_path: Path | None = None
) -> list[Received]:
    """What one file holds, one Received per fact, each to become a batch.

    `calendar_path` dates M5's d_ columns and weeks; without it the calendar beside the file, then
    the one under source.path is taken. BadInput for a file that is not what its name and
    params.yaml say.
    """
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
    if mapping.calendar and fnmatch(path.name, mapping.calendar):
        return read_calendar(path, mapping)
    if mapping.prices and fnmatch(path.name, mapping.prices):
        return read_prices(path, mapping)
    if mapping.plans and fnmatch(path.name, mapping.plans):
        return read_plans(path, mapping)
    is_the_source = source.path is not None and Path(source.path).name == path.name
    if fnmatch(path.name, mapping.sales) or is_the_source:
        return read_sales(path, mapping, _static_of(source, path), source.history_span_days)
    raise BadInput(
        f"'{path.name}' matches no pattern of source.files: sales {mapping.sales!r}, "
        f"calendar {mapping.calendar!r}, prices {mapping.prices!r}, plans {mapping.plans!r}. "
        "Rename it, or change the pattern in params.yaml."
    )


def _patterns(source: SourceParams) -> tuple[str, ...]:
    if source.kind == "simulator":
        return CANONICAL
    mapping: FilesParams = source.files
    return tuple(
        pattern
        for pattern in (mapping.calendar, mapping.prices, mapping.sales, mapping.plans)
        if pattern
    )


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Files by pattern, then by name; each once."""
    found = [
        path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()
    ]
    return list(dict.fromkeys(found))


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
    beside = (
        [found for found in sorted(path.parent.glob(pattern)) if not found.is_symlink()]
        if path
        else []
    )
    own = Path(source.path) if source.path else None
    in_source = sorted((own if own.is_dir() else own.parent).glob(pattern)) if own else []
    return next((found for found in [*beside, *in_source] if found.is_file()), None)
