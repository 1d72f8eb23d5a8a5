"""Values as a driver gives them, as columns that a Parquet file holds and every reader knows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import polars as pl

_KINDS: dict[type, type[pl.DataType]] = {str: pl.String, bool: pl.Boolean, date: pl.Date}
_INT64 = 2**63
_EXACT = 2**53  # whole numbers below are whole as floats, too
_DIGITS = 38  # of a decimal, before and after its point


def series_of(name: str, values: Sequence[Any]) -> pl.Series:
    """A column of numbers, days, moments, flags or texts; as text where it holds several types, one
    that no mapping takes (bytes, lists, JSON, spans of time), or numbers beyond what columns hold.
    """
    kind = _kind_of(values)
    if kind is not None:
        with suppress(UnicodeEncodeError):  # text with halves of signs
            if kind == pl.Float64 and int in map(type, values):
                values = [None if one is None else float(one) for one in values]
            return pl.Series(name, values, kind, strict=True)
    return pl.Series(name, [_as_text(value) for value in values], pl.String)


def common_kind(kinds: Iterable[pl.DataType]) -> pl.DataType:
    """The type of a column whose parts may differ: what they share without loss, else text."""
    there = {kind for kind in kinds if kind != pl.Null}
    if len(there) == 1:
        return there.pop()
    if not there:
        return pl.String()
    return pl.Float64() if there == {pl.Int64(), pl.Float64()} else pl.String()


def _kind_of(values: Sequence[object]) -> pl.DataType | type[pl.DataType] | None:
    """The type of a column; None for one that becomes text."""
    filled = [one for one in values if one is not None]
    types = {type(one) for one in filled}
    if not types:
        return pl.Null
    for known, kind in _KINDS.items():
        if types == {known}:
            return kind
    if types <= {int, float}:
        return _kind_of_numbers(filled, types)
    if types == {datetime}:
        return _kind_of_moments(filled)
    return _kind_of_decimals(filled) if types == {Decimal} else None


def _kind_of_numbers(filled: Sequence[Any], types: set[type]) -> type[pl.DataType] | None:
    if types == {float}:
        return pl.Float64
    if types == {int}:
        is_held = min(filled) >= -_INT64 and max(filled) < _INT64
        return pl.Int64 if is_held else None
    return pl.Float64 if max(map(abs, filled)) <= _EXACT else None


def _kind_of_moments(filled: Sequence[object]) -> pl.DataType | None:
    zones = {one.tzinfo for one in filled if isinstance(one, datetime)}
    if zones == {None}:
        return pl.Datetime("us")
    names = {getattr(zone, "key", "UTC") for zone in zones if zone is not None}
    if None in zones or not names:
        return None
    return pl.Datetime("us", names.pop() if len(names) == 1 else "UTC")


def _kind_of_decimals(filled: Sequence[object]) -> pl.DataType | None:
    """Wide enough for the most digits on each side of the point: an engine that is left to choose
    makes null of what does not fit.
    """
    places = whole = 0
    for one in filled:
        assert isinstance(one, Decimal)
        if not one.is_finite():
            return None
        exponent = one.as_tuple().exponent
        places = max(places, -int(exponent))
        whole = max(whole, one.adjusted() + 1)
    return pl.Decimal(_DIGITS, places) if places + whole <= _DIGITS else None


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_of_bytes(bytes(value))
    if isinstance(value, dict | list | tuple):
        return _plain(json.dumps(value, default=_as_text, ensure_ascii=False))
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, float) and isfinite(value) and value == int(value) and abs(value) < _EXACT:
        return str(int(value))  # 7.0 and 7 of one column are one name
    return _plain(str(value))


def _text_of_bytes(value: bytes) -> str:
    """The text they spell, else their digits: what is replaced would make one name of several."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()


def _plain(text: str) -> str:
    """Text without halves of signs, which no file holds."""
    return text.encode("utf-8", "replace").decode()
