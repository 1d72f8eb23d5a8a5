"""What a file of a source holds, by its name and by what it is."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path, PurePosixPath

import polars as pl

from contract.errors import BadInput, SourceMissing
from contract.params import FACTS, SourceParams
from contract.received import Received
from runtime.file_names import fits
from sources import m5
from sources.canonical import AS_WRITTEN_HERE, read_canonical
from sources.deliveries import DaysOf, grouped, ways_of
from sources.files import days_of_sales, read_plans, read_sales
from sources.plans import read_calendar, read_prices
from sources.public_holidays import PATTERN as HOLIDAYS
from sources.size import refuse_oversized
from sources.stock import read_stock
from sources.supply import read_supply
from sources.tables import names_in
from sources.totals_of_groups import read_totals

# files about series that sales must have made known
AFTER_SALES = FACTS[FACTS.index("sales") + 1 :]

# what a file can make the engine that reads tables raise: a panic is no Exception; the last two are
# of a day or number beyond what Python can hold. One of them left alone would keep the file first
# in line, and the others waiting, for ever
_ENGINES = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    ValueError,
    OverflowError,
)


def delivered_together(
    files: list[Path], source: SourceParams, days_of: DaysOf | None = None
) -> list[list[Path]]:
    """Files of one fill or one morning, those that are one delivery together, in their order.

    `days_of`: `days_in` of this source, if it remembers what it has read.
    """
    if not source.is_mapped or len(files) < 2:
        return [[file] for file in files]
    sales = [file for file in files if fact_of(file, source) == "sales"]
    days_of = days_of or partial(days_in, source=source)
    groups = {group[0]: group for group in grouped(sales, source, days_of)}
    others = {file: [file] for file in files if file not in set(sales)}
    return [(groups | others)[file] for file in files if file in groups or file in others]


def days_in(path: Path, source: SourceParams) -> set[date]:
    """The days a file of sales states; none where it cannot be read, which is said when it is
    taken.
    """
    try:
        refuse_oversized(path, source.max_unpacked_mb)
        return days_of_sales(path, source.files)
    except (BadInput, OSError, *_ENGINES):
        return set()


def patterns_of(source: SourceParams) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of your plans, which are taken before the sales they explain, and of companions,
    which are not taken at all.
    """
    own = source.files
    if not source.is_mapped:
        return (), ()
    plans = tuple(pattern for pattern in (own.calendar, own.prices, own.plans) if pattern)
    return plans, (own.static,) if own.static else ()


def read_file(
    path: Path,
    source: SourceParams,
    *,
    calendar_path: Path | None = None,
    companions: Path | None = None,
) -> list[Received]:
    """What one file holds, one Received per fact, each to become a batch.

    `calendar_path` dates M5's d_ columns and weeks; without it the calendar beside the file, then
    the one among its `companions` (the inbox, where it was dropped), then the one under source.path
    is taken. BadInput for a file that is not what its name and params.yaml say.
    """
    if not path.exists():
        raise SourceMissing(f"there is no file '{path}'; its folder holds {names_in(path.parent)}.")
    try:
        return _read(path, source, calendar_path, companions)
    except _ENGINES as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"'{path.name}' holds something that cannot be read as a table ({reason}). Export it "
            "again, as CSV or Parquet with plain columns."
        ) from error


def _read(
    path: Path, source: SourceParams, calendar_path: Path | None, companions: Path | None
) -> list[Received]:
    refuse_oversized(path, source.max_unpacked_mb)
    if source.kind == "simulator":
        return read_canonical(path, source.history_span_days)
    if source.kind == "m5":
        return m5.read_m5(
            path,
            calendar_path or _beside(path, source, m5.CALENDAR, companions),
            source.history_span_days,
        )
    return _read_mapped(path, source, companions)


def _read_mapped(path: Path, source: SourceParams, companions: Path | None) -> list[Received]:
    mapping = source.files
    match fact_of(path, source):
        case "calendar" | "holidays" as fact:
            return read_calendar(path, mapping if fact == "calendar" else AS_WRITTEN_HERE)
        case "prices":
            beside = _static_beside(source, path, companions)
            return read_prices(path, mapping, beside, list(mapping.hierarchy))
        case "plans":
            beside = _static_beside(source, path, companions)
            return read_plans(path, mapping, static=beside, levels=list(mapping.hierarchy))
        case "stock" | "totals" as fact:
            read = read_stock if fact == "stock" else read_totals
            return read(path, mapping, source.history_span_days)
        case "supply":
            return read_supply(path, mapping)
        case "sales":
            static = static_of(source, path, companions)
            return read_sales(path, mapping, static, source.history_span_days)
    raise BadInput(
        f"'{path.name}' matches no pattern of source.files: sales {mapping.sales!r}, "
        f"calendar {mapping.calendar!r}, prices {mapping.prices!r}, plans {mapping.plans!r}, "
        f"totals {mapping.totals!r}, stock {mapping.stock!r}, supply {mapping.supply!r}. "
        "Rename it, or change the pattern in shop.yaml."
    )


def fact_of(path: Path, source: SourceParams) -> str | None:
    """What a file holds, by its name; None for a name that no pattern fits."""
    mapping, ways = source.files, [path.name, *ways_of(path.name)]
    if mapping.holidays and fits(path.name, HOLIDAYS):
        return "holidays"
    for fact in (fact for fact in FACTS if fact != "sales"):
        pattern = getattr(mapping, fact)
        if pattern and _fits(ways, pattern):
            return fact
    own = Path(source.path).name if source.path is not None else None
    return "sales" if own in ways or _fits(ways, mapping.sales) else None


def sales_first(files: list[Path], source: SourceParams) -> list[Path]:
    """The files in their order, but supply and stock after all others."""
    if source.kind == "simulator":
        return sorted(files, key=lambda file: file.name.startswith(AFTER_SALES))
    return sorted(files, key=lambda file: fact_of(file, source) in AFTER_SALES)


def _fits(ways: list[str], pattern: str) -> bool:
    """Whether a name fits a pattern; one that names folders, too, fits by its last part."""
    return any(fits(way, pattern) or fits(way, PurePosixPath(pattern).name) for way in ways)


def static_of(
    source: SourceParams, path: Path | None, companions: Path | None = None
) -> Path | None:
    """The static file, None where params name none; SourceMissing where it is not there."""
    found = _static_beside(source, path, companions)
    if found is None and source.files.static is not None:
        raise SourceMissing(
            f"no static file '{source.files.static}' beside the sales or under source.path "
            f"({source.path}). Copy it under source.path, where replays find it, too, or into the "
            "inbox, where it stays; or change source.files.static."
        )
    return found


def _static_beside(source: SourceParams, path: Path | None, companions: Path | None) -> Path | None:
    """The static file if it is there: a plan is taken without it, and then places nobody by it."""
    pattern = source.files.static
    return None if pattern is None else _beside(path, source, pattern, companions)


def _beside(
    path: Path | None, source: SourceParams, pattern: str, companions: Path | None
) -> Path | None:
    """The first file of that name pattern beside a file, else among its companions, else in the
    source's folder. Beside a file no link is followed: the inbox is open to others, and a link
    there could lead anywhere. BadInput for one that would take too much memory.
    """
    folders = [path.parent] if path else []
    if companions is not None and companions not in folders:
        folders.append(companions)
    beside = [
        found for folder in folders for found in _fitting(folder, pattern) if not found.is_symlink()
    ]
    own = Path(source.path) if source.path else None
    root = own.parent if own and not own.is_dir() else own
    in_source = _fitting(root, pattern) if root else []
    found = next((found for found in [*beside, *in_source] if found.is_file()), None)
    if found is not None:
        refuse_oversized(found, source.max_unpacked_mb)
    return found


def _fitting(folder: Path, pattern: str) -> list[Path]:
    in_capitals = (path for path in folder.glob("*") if fits(path.name, pattern))
    return sorted({*folder.glob(pattern), *in_capitals})
