"""The frozen panel: ordered Parquet, the same bytes for the same rows, and a card that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from contract.errors import BadInput, SourceMissing
from contract.frames import FACTS, SERIES
from contract.panel import Panel
from runtime.disk import sha256_of

CARD = "panel.json"
_NO_PANEL = "Freeze one: `python ingest.py fill --freeze`, or `dvc repro panel`."


def freeze(panel: Panel, folder: Path, as_of: datetime | None = None) -> Panel:
    """The panel with its hash, after writing it: one file per frame, and panel.json last, so a
    broken write shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).unlink(missing_ok=True)
    card = {
        "hash": "",
        "as_of": as_of,
        "first_day": panel.first_day,
        "last_day": panel.last_day,
        "files": {},
    }
    for name, frame in _frames(panel):
        path = folder / f"{name}.parquet"
        frame.rechunk().write_parquet(path, compression="zstd", statistics=True)
        card["files"][path.name] = {"rows": frame.height, "sha256": sha256_of(path)}
    card["hash"] = _hash_of(card["files"])
    (folder / CARD).write_text(json.dumps(card, indent=2, default=str) + "\n", encoding="utf-8")
    return replace(panel, hash=card["hash"])


def read_frozen(folder: Path) -> Panel:
    """The panel frozen in a folder, its hash filled; refused when a file is missing or not the one
    that was written.
    """
    card = read_card(folder)
    for name, file in card["files"].items():
        path = folder / name
        if not path.is_file():
            raise SourceMissing(f"the frozen panel lacks '{path}'. {_NO_PANEL}")
        if sha256_of(path) != file["sha256"]:
            raise BadInput(
                f"'{path}' is not the file that {CARD} names: it was changed. {_NO_PANEL}"
            )
    frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in (*FACTS, SERIES.name)}
    superseded = {fact: pl.read_parquet(folder / f"superseded_{fact}.parquet") for fact in FACTS}
    return Panel(**frames, superseded=superseded, hash=card["hash"])


def read_card(folder: Path) -> dict:
    """What panel.json says: hash, as_of, first_day, last_day, and rows and sha256 of each file."""
    try:
        return json.loads((folder / CARD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceMissing(f"there is no frozen panel in '{folder}'. {_NO_PANEL}") from error


def _frames(panel: Panel) -> Iterator[tuple[str, pl.DataFrame]]:
    for fact, contract in FACTS.items():
        yield fact, getattr(panel, fact)
        empty = contract.empty().with_columns(
            pl.lit(None, pl.Datetime("us")).alias("superseded_at")
        )
        yield f"superseded_{fact}", panel.superseded.get(fact, empty)
    yield SERIES.name, panel.series


def _hash_of(files: dict[str, dict]) -> str:
    text = "\n".join(f"{name}:{file['sha256']}" for name, file in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
