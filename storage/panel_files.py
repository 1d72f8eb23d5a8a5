"""The frozen panel: ordered Parquet, the same bytes for the same rows, and a card of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

import polars as pl

from contract.errors import BadInput, SourceMissing
from contract.frames import FACTS, PLANS, SERIES, TOTALS, earlier_of
from contract.panel import Panel
from runtime.disk import sha256_of
from storage.part_files import Laid

CARD = "panel.json"
NAMES = "names.parquet"  # where the series are called anything; no part of the hash
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
    folder.mkdir(parents=True, exist_ok=True)
    for old in (CARD, NAMES):
        (folder / old).unlink(missing_ok=True)
    first_day, last_day = panel.first_day, panel.last_day
    files: dict[str, File] = {}
    for name, frame in _frames(panel):
        path = folder / f"{name}.parquet"
        frame.rechunk().write_parquet(path, compression="zstd", statistics=True)
        files[path.name] = {"rows": frame.height, "sha256": sha256_of(path)}
    panel_hash = _hash_of(files)
    card = {
        "hash": panel_hash,
        "as_of": as_of,
        "first_day": first_day,
        "last_day": last_day,
        "files": files,
    }
    (folder / CARD).write_text(json.dumps(card, indent=2, default=str) + "\n", encoding="utf-8")
    return replace(panel, hash=panel_hash)


def read_frozen(folder: Path) -> Panel:
    """The panel frozen in a folder, its hash filled.

    SourceMissing when a file is not there, BadInput when one is not as it was written.
    """
    card = _checked_card(folder)
    names = [*FACTS, SERIES.name, NAMES.removesuffix(".parquet")]
    read = {Path(file).stem: pl.read_parquet(folder / file, glob=False) for file in card["files"]}
    superseded = {fact: read[f"superseded_{fact}"] for fact in FACTS if fact in read}
    frames: dict[str, Any] = {name: read[name] for name in names if name in read}
    return Panel(**frames, superseded=superseded, hash=card["hash"])


def read_frozen_series(folder: Path) -> pl.DataFrame:
    """SERIES of the panel frozen in a folder."""
    read_card(folder)
    return pl.read_parquet(folder / f"{SERIES.name}.parquet", glob=False)


def read_frozen_parts(
    folder: Path, parts: pl.DataFrame, scratch: Path, *, earlier: bool = False
) -> Iterator[Panel]:
    """The frozen panel of the series of each part in turn (unique_id, part), without earlier
    versions, or `earlier`: with those of plans; errors as of `read_frozen`. It states shut days
    already.

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
    for fact in PLANS if earlier else ():
        versions = earlier_of(FACTS[fact])
        file = folder / f"{versions.name}.parquet"
        if card["files"][file.name]["rows"]:
            laid.lay_file(versions, file, of=fact)
    return laid.panels(shared, read_frozen_series(folder), card["hash"])


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
        current, empty = panel.fact(fact), contract.empty()
        empty = empty.with_columns(superseded_at=pl.lit(None, pl.Datetime("us")))
        earlier = panel.superseded.get(fact, empty)
        if fact == TOTALS.name and current.is_empty() and earlier.is_empty():
            continue  # of most shops: their panels keep the hash they had before there were totals
        yield fact, current
        yield f"superseded_{fact}", earlier
    yield SERIES.name, panel.series
    if panel.names.height:
        yield NAMES.removesuffix(".parquet"), panel.names


def _hash_of(files: dict[str, File]) -> str:
    hashed = {name: file for name, file in files.items() if name != NAMES}
    text = "\n".join(f"{name}:{file['sha256']}" for name, file in sorted(hashed.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
