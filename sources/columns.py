"""Which of a file's columns become which of a contract's, and how the file is written."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from contract.errors import BadInput
from contract.params import FilesParams
from sources import reasons
from sources.csv_files import CsvManner
from sources.parsing import Column, Kind, Manner, date_format_of

Origin = str | list[str]

SALES_KINDS: dict[str, Kind] = {
    "unique_id": "text",
    "ds": "day",
    "y": "number",
    "known_at": "moment",
    "is_open": "flag",
    "stockout_share": "number",
    "price": "number",
    "promo": "number",
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
    "promo": "number",
}
ALWAYS_THERE = ("unique_id", "ds", "y", "from_ds", "to_ds")


def csv_manner(files: FilesParams) -> CsvManner:
    """How the CSV files are written."""
    return CsvManner(separator=files.separator, encoding=files.encoding, sheet=files.sheet)


def manner_for(table: pl.DataFrame, columns: list[Column], files: FilesParams, name: str) -> Manner:
    """How numbers and days are written: as params say, the date format else found out from the days
    themselves.
    """
    date_format = files.date_format
    if date_format is None:
        days = [column.origin[0] for column in columns if column.kind == "day"]
        date_format = date_format_of(pl.concat([table[day].cast(pl.String) for day in days]), name)
    return Manner(decimal=files.decimal, date_format=date_format)


def columns_of(
    mapping: Mapping[str, Origin | None], kinds: Mapping[str, Kind], files: FilesParams
) -> list[Column]:
    """The mapped columns of a contract; BadInput for a contract name nobody knows."""
    unknown = sorted(set(mapping) - set(kinds))
    if unknown:
        raise BadInput(
            f"params.yaml maps {unknown}, which no contract has; it takes {list(kinds)}."
        )
    return [
        Column(
            name,
            _names(origin),
            kinds[name],
            if_missing=reasons.MISSING_VALUE if name in ALWAYS_THERE else None,
            factor=files.scale.get(name, 1.0),
        )
        for name, origin in mapping.items()
        if origin
    ]


def _names(origin: Origin) -> tuple[str, ...]:
    return (origin,) if isinstance(origin, str) else tuple(origin)


def origins_of(columns: list[Column], line: str) -> dict[str, str]:
    """The file's columns these are made of, each with the line of params.yaml that maps it."""
    return {origin: line for column in columns for origin in column.origin}
