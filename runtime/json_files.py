"""JSON files that one stage writes and another reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract.errors import SourceMissing
from runtime.disk import write_whole


def read_json(path: Path) -> dict[str, Any]:
    """What an earlier stage wrote. SourceMissing when it has not run yet."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceMissing(
            f"there is no '{path}'. Run `make repro` (or `dvc repro`) first: it makes this file."
        ) from error
    return content


def read_json_if_whole(path: Path) -> dict[str, Any] | None:
    """What a file holds; None where there is none, or no whole one with names and values."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_json(path: Path, content: object, indent: int | None = 1) -> None:
    """The content as a JSON file that ends with a line break, whole or as it was; its folder is
    made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, indent=indent, default=str) + "\n")
