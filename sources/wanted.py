"""Which of its columns a fact is made of, and which one says its day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from contract.params import CodedColumn, FilesParams
from sources.columns import (
    CALENDAR_KINDS,
    PRICE_KINDS,
    STOCK_KINDS,
    SUPPLY_KINDS,
    TOTALS_KINDS,
)


def columns_wanted(fact: str, files: FilesParams) -> frozenset[str]:
    """The columns of a fact's file or table that the mapping names; of a fact that is not mapped at
    all, the contract's own names.
    """
    beside = {*files.keep, *files.static_on, *files.names.values()}
    if fact in ("sales", "plans"):
        mapped = [files.columns, files.hierarchy, files.known_future, files.past_only]
        return frozenset(_origins(mapped) | beside | {*files.deduplicate_on})
    own: dict[str, tuple[Mapping[str, Any], Iterable[str]]] = {
        "calendar": (files.calendar_columns, CALENDAR_KINDS),
        "prices": (files.price_columns, PRICE_KINDS),
        "totals": (files.totals_columns, TOTALS_KINDS),
        "stock": (files.stock_columns, STOCK_KINDS),
        "supply": (files.supply_columns, SUPPLY_KINDS),
    }
    mapping, names = own[fact]
    scopes = {"totals": files.totals_on, "supply": files.supply_on, "prices": files.hierarchy}
    unmapped = set() if mapping else set(names)
    return frozenset(_origins([mapping, scopes.get(fact, {})]) | beside | unmapped)


def day_column(fact: str, files: FilesParams) -> str | None:
    """The column whose days are read whole: of sales, which replace a day that comes whole; of
    other facts rows stand for themselves.
    """
    if fact != "sales":
        return None
    origin = files.columns.get("ds")
    return origin if isinstance(origin, str) else None


def _origins(mappings: Iterable[Mapping[str, Any]]) -> set[str]:
    found: set[str] = set()
    for mapping in mappings:
        for origin in mapping.values():
            if isinstance(origin, CodedColumn):
                found.add(origin.column)
            elif origin:
                found.update([origin] if isinstance(origin, str) else origin)
    return found
