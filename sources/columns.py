"""Which of a file's columns become which of a contract's, and how the file is written."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from contract.errors import BadInput
from contract.params import CodedColumn, FilesParams
from sources import reasons
from sources.csv_files import CsvManner
from sources.numbers import Evidence, decimal_mark, evidence_in
from sources.parsing import NUMBERS, Column, Kind, Manner

Origin = str | list[str] | CodedColumn

SALES_KINDS: dict[str, Kind] = {
    "unique_id": "text",
    "ds": "day",
    "y": "number",
    "known_at": "moment",
    "is_open": "flag",
    "stockout_share": "rate",
    "price": "number",
    "promo": "rate",
}
CALENDAR_KINDS: dict[str, Kind] = {
    "region": "text",
    "ds": "day",
    "known_at": "moment",
    "event": "text",
    "event_type": "text",
    "is_closed": "flag",
    "is_payday": "flag",
}
PRICE_KINDS: dict[str, Kind] = {
    "unique_id": "text",
    "ds": "day",
    "from_ds": "day",
    "to_ds": "day",
    "known_at": "moment",
    "price": "number",
    "promo": "rate",
}
STOCK_KINDS: dict[str, Kind] = {
    "unique_id": "text",
    "ds": "day",
    "known_at": "moment",
    "on_hand": "number",
    "on_order": "number",
    "due_ds": "day",
}
TOTALS_KINDS: dict[str, Kind] = {"ds": "day", "y": "number", "known_at": "moment"}
SUPPLY_KINDS: dict[str, Kind] = {
    "known_at": "moment",
    "order_days": "text",
    "review_days": "number",
    "first_order": "day",
    "lead_days": "text",
    "pack_size": "number",
    "min_order": "number",
    "shelf_life_days": "number",
    "unit_cost": "number",
    "margin": "number",
    "leftover_cost": "number",
    "target_service": "rate",
}
ALWAYS_THERE = ("unique_id", "ds", "y", "from_ds", "to_ds")


def csv_manner(files: FilesParams) -> CsvManner:
    """How the CSV files are written."""
    return CsvManner(separator=files.separator, encoding=files.encoding, sheet=files.sheet)


def manner_for(table: pl.DataFrame, columns: list[Column], files: FilesParams) -> Manner:
    """How numbers and days are written: as params say; each column's decimal mark else found out
    from all its texts.
    """
    numbers = {
        column.origin[0] for column in columns if column.kind in NUMBERS and column.codes is None
    }
    texts = [name for name in table.columns if name in numbers and table[name].dtype == pl.String]
    evidence = {name: evidence_in(table[name]) for name in texts}
    decimals = {
        name: decimal_mark(name, own, _proved_beside(evidence, name), files.decimal)
        for name, own in evidence.items()
    }
    return Manner(decimals, files.date_format, files.time_zone, are_lines=files.transactions)


def _proved_beside(evidence: Mapping[str, Evidence], name: str) -> set[str]:
    """The decimal marks that the other columns prove."""
    return {mark for other, own in evidence.items() if other != name for mark in own.marks}


def columns_of(
    mapping: Mapping[str, Origin | None], kinds: Mapping[str, Kind], files: FilesParams
) -> list[Column]:
    """The mapped columns of a contract; BadInput for a contract name nobody knows."""
    unknown = sorted(set(mapping) - set(kinds))
    if unknown:
        raise BadInput(f"shop.yaml maps {unknown}, which no contract has; it takes {list(kinds)}.")
    return [
        column_of(name, origin, kinds[name], files) for name, origin in mapping.items() if origin
    ]


def column_of(name: str, origin: Origin, kind: Kind, files: FilesParams) -> Column:
    """One mapped column; BadInput for codes of a column that holds no numbers."""
    if_missing = reasons.MISSING_VALUE if name in ALWAYS_THERE else None
    factor = files.scale.get(name, 1.0)
    if not isinstance(origin, CodedColumn):
        names = (origin,) if isinstance(origin, str) else tuple(origin)
        return Column(name, names, kind, if_missing, factor)
    if kind not in (*NUMBERS, "flag"):
        raise BadInput(
            f"shop.yaml states codes for {name}; they stand for numbers and flags, and {name} "
            f"is a {kind}. Map the column '{origin.column}' alone."
        )
    return Column(name, (origin.column,), kind, if_missing, codes=origin.codes)


def origins_of(columns: list[Column], line: str) -> dict[str, str]:
    """The file's columns these are made of, each with the line of params that maps it."""
    return {origin: line for column in columns for origin in column.origin}
