"""The frozen panel: ordered Parquet, the same bytes for the same rows, and a card of its files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypedDict

import polars as pl

from contract.errors import BadInput, SourceMissing
from contract.frames import FACTS, PLANS, SERIES, TOTALS, earlier_of
from contract.panel import Panel
from runtime.disk import sha256_of
from storage.part_files import Laid

CARD = "panel.json"
ROW_GROUP = 2**18  # rows; fixed, so that bytes do not hang on how many are written at once
NAMES = "names.parquet"  # where the series are called anything; no part of the hash
_OF_SERIES = {
    SERIES.name,
    *(contract.name for contract in FACTS.values() if "unique_id" in contract.key),
    *(earlier_of(contract).name for contract in FACTS.values() if "unique_id" in contract.key),
}  # frames that hold rows of a range's own series alone
_NO_PANEL = "Freeze one: `python ingest.py fill --freeze`, or `dvc repro panel`."


class File(TypedDict):
    """One file of the panel."""

    rows: int
    sha256: str


class Card(TypedDict):
    """What panel.json holds; moment and days as text."""

    hash: str
    as_of: str | None
    first_day: str
    last_day: str
    files: dict[str, File]


def freeze(panel: Panel, folder: Path, as_of: datetime | None = None) -> Panel:
    """The panel with its hash, after writing it: a file per frame, and panel.json last, so that a
    broken write shows.
    """
    _forget(folder)
    days = panel.first_day, panel.last_day
    files = {
        f"{name}.parquet": _written(frame.lazy(), folder / f"{name}.parquet", frame.height)
        for name, frame in _frames(panel)
    }
    return replace(panel, hash=_write_card(folder, files, days, as_of)["hash"])


def freeze_ranges(panels: Iterator[Panel], folder: Path, scratch: Path) -> Card:
    """The card of a panel that comes in ranges of series, in alphabetical order, after writing it:
    the same bytes as `freeze` writes. Each range knows the days of the whole and what is of no
    series; its rows wait in `scratch`, which goes.
    """
    scratch.mkdir(parents=True)
    ranges, rows, days = dict[str, list[Path]](), Counter[str](), None
    while (panel := next(panels, None)) is not None:
        for name, frame in _frames(panel):
            if days and name not in _OF_SERIES:
                continue  # every range has all of it
            paths = ranges.setdefault(name, [])
            paths.append(scratch / f"{name}-{len(paths):05d}.parquet")
            frame.write_parquet(paths[-1], compression="lz4")
            rows[name] += frame.height
        days = panel.first_day, panel.last_day
        panel = None  # before the next one is read
    assert days is not None
    _forget(folder)  # not before: whatever fails until here leaves the panel that lies there
    files = {
        f"{name}.parquet": _written(
            pl.scan_parquet(paths, glob=False), folder / f"{name}.parquet", rows[name]
        )
        for name, paths in ranges.items()
    }
    shutil.rmtree(scratch)
    return _write_card(folder, files, days, None)


def _forget(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in (CARD, NAMES):
        (folder / old).unlink(missing_ok=True)


def _written(rows: pl.LazyFrame, path: Path, height: int) -> File:
    """A file of these rows: the same bytes however many pieces they come in, and threads write."""
    rows.sink_parquet(path, compression="zstd", statistics=True, row_group_size=ROW_GROUP)
    return {"rows": height, "sha256": sha256_of(path)}


def _write_card(
    folder: Path, files: dict[str, File], days: tuple[date, date], as_of: datetime | None
) -> Card:
    first_day, last_day = map(str, days)
    card: Card = {
        "hash": _hash_of(files),
        "as_of": None if as_of is None else str(as_of),
        "first_day": first_day,
        "last_day": last_day,
        "files": files,
    }
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def read_frozen(folder: Path, only: pl.Series | None = None) -> Panel:
    """The panel frozen in a folder, its hash filled; `only`: of the series of these names, as
    Panel.only.

    SourceMissing when a file is not there, BadInput when one is not as it was written.
    """
    card = _checked_card(folder)
    names = [*FACTS, SERIES.name, NAMES.removesuffix(".parquet")]
    read = {Path(file).stem: _rows_of(folder / file, only) for file in card["files"]}
    superseded = {fact: read[earlier_of(of).name] for fact, of in FACTS.items() if fact in read}
    frames: dict[str, Any] = {name: read[name] for name in names if name in read}
    return Panel(**frames, superseded=superseded, hash=card["hash"])


def _rows_of(path: Path, only: pl.Series | None) -> pl.DataFrame:
    """A file of the panel; of a frame by series the rows of some, the others never in memory."""
    if only is None or "unique_id" not in pl.read_parquet_schema(path):
        return pl.read_parquet(path, glob=False)
    wanted = pl.LazyFrame({"unique_id": only})
    rows = pl.scan_parquet(path, glob=False)
    return rows.join(wanted, on="unique_id", how="semi", maintain_order="left").collect(
        engine="streaming"
    )


def read_frozen_series(folder: Path) -> pl.DataFrame:
    """SERIES of the panel frozen in a folder."""
    read_card(folder)
    return pl.read_parquet(folder / f"{SERIES.name}.parquet", glob=False)


def read_frozen_parts(folder: Path, parts: pl.DataFrame, scratch: Path) -> Iterator[Panel]:
    """The frozen panel of the series of each part in turn (unique_id, part), of earlier versions
    those of plans alone; errors as of `read_frozen`. It states shut days already.

    Its files are read once: rows are laid into files of their part in `scratch`, which goes.
    """
    card = _checked_card(folder)
    laid, shared = Laid(scratch, parts), dict[str, pl.DataFrame]()
    for fact, contract in FACTS.items():
        file = folder / f"{fact}.parquet"
        if "unique_id" in contract.key:
            laid.lay_file(contract, file)
        elif file.name in card["files"]:
            shared[fact] = pl.read_parquet(file, glob=False)
    for fact in PLANS:
        versions = earlier_of(FACTS[fact])
        file = folder / f"{versions.name}.parquet"
        if card["files"][file.name]["rows"]:
            laid.lay_file(versions, file, of=fact)
    return laid.panels(shared, read_frozen_series(folder), card["hash"])


def read_frozen_ranges(folder: Path, count: int) -> Iterator[Panel]:
    """The frozen panel in so many ranges of its series, in alphabetical order; errors as of
    `read_frozen`. What is of no series is in the first.
    """
    card, series = _checked_card(folder), read_frozen_series(folder)
    size = max(-(-series.height // count), 1)
    for first in range(0, series.height, size):
        own, is_own = series.slice(first, size), _from_to(series["unique_id"], first, first + size)
        frames: dict[str, Any] = {}
        for fact, contract in FACTS.items():
            rows = pl.scan_parquet(folder / f"{fact}.parquet", glob=False)
            if "unique_id" in contract.key:
                frames[fact] = rows.filter(is_own).collect()
            elif f"{fact}.parquet" in card["files"]:
                frames[fact] = (rows if first == 0 else rows.limit(0)).collect()
        yield Panel(**frames, series=own, hash=card["hash"])


def _from_to(names: pl.Series, first: int, end: int) -> pl.Expr:
    """Whether a row stands among the names from a place up to another, by alphabet; before the
    first one and after the last one, too: rows may be of no known series.
    """
    name = pl.col("unique_id")
    begun = name >= pl.lit(names[first], pl.String) if first else pl.lit(value=True)
    return begun & (name < pl.lit(names[end], pl.String)) if end < len(names) else begun


def _checked_card(folder: Path) -> Card:
    card = read_card(folder)
    for name, file in card["files"].items():
        path = folder / name
        if not path.is_file():
            raise SourceMissing(f"the frozen panel lacks '{path}'. {_NO_PANEL}")
        if sha256_of(path) != file["sha256"]:
            raise BadInput(
                f"'{path}' is not the file that {CARD} names: it was changed. {_NO_PANEL}"
            )
    return card


def read_card(folder: Path) -> Card:
    """panel.json of a frozen panel; SourceMissing where there is none."""
    try:
        card: Card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return card
    except FileNotFoundError as error:
        raise SourceMissing(f"there is no frozen panel in '{folder}'. {_NO_PANEL}") from error


def _frames(panel: Panel) -> Iterator[tuple[str, pl.DataFrame]]:
    for fact, contract in FACTS.items():
        current, versions = panel.fact(fact), earlier_of(contract)
        earlier = versions.conform(panel.superseded.get(fact, versions.empty()))
        if fact == TOTALS.name and current.is_empty() and earlier.is_empty():
            continue  # of most shops: their panels keep the hash they had before there were totals
        yield fact, current
        yield versions.name, earlier
    yield SERIES.name, panel.series
    if panel.names.height:
        yield NAMES.removesuffix(".parquet"), panel.names


def _hash_of(files: dict[str, File]) -> str:
    hashed = {name: file for name, file in files.items() if name != NAMES}
    text = "\n".join(f"{name}:{file['sha256']}" for name, file in sorted(hashed.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
