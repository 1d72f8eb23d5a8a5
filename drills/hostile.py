"""Files made to do harm, by kind: each kind many variants of one idea. None is large; all are made
anew from this code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drills import hostile_foreign, hostile_packed, hostile_parquet, hostile_text
from drills.hostile_parts import Variants


@dataclass(frozen=True)
class Hostile:
    """One file: the idea behind it, the name it is dropped under, its bytes."""

    kind: str
    name: str
    content: bytes


KINDS: dict[str, Callable[[], Variants]] = {
    "headers": hostile_text.headers,
    "texts": hostile_text.texts,
    "cells": hostile_text.cells,
    "moments": hostile_text.moments,
    "names": hostile_text.names,
    "jsonish": hostile_text.jsonish,
    "typed_days": hostile_parquet.typed_days,
    "typed_columns": hostile_parquet.typed_columns,
    "broken_parquet": hostile_parquet.broken_parquet,
    "swollen": hostile_packed.swollen,
    "packed": hostile_packed.packed,
    "workbooks": hostile_packed.workbooks,
    "foreign": hostile_foreign.foreign,
    "plans": hostile_foreign.plans,
}


def corpus(kind: str) -> list[Hostile]:
    """The files of a kind."""
    return [Hostile(kind, name, content) for name, content in KINDS[kind]()]
