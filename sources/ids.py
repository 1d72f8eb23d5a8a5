"""Names of things as text: what pandas, Excel and databases made of them undone where nothing was
lost.
"""

from __future__ import annotations

import polars as pl

from contract.errors import BadInput

_MOST_EXACT = 2**53  # whole floats beyond it stand for several numbers
_WHOLE = r"^-?\d+(?:\.0+)?$"
# 4,00638E+12: a spreadsheet kept six digits of thirteen
ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+\d{1,3}$|^\d[.,]\d+[eE]\d{1,3}$"
KEPT_AS_TEXT = r'^="(.*)"$'


def read_ids(column: pl.Series) -> pl.Series:
    """The column as text. Whole floats and decimals are spelled as integers where all are whole;
    ="007" is 007. What a spreadsheet has rounded is null.
    """
    if column.dtype.is_float() or column.dtype.is_decimal():
        return _spelled(column)
    text = text_of(column)
    if text.str.contains(KEPT_AS_TEXT).any():
        text = text.str.replace(KEPT_AS_TEXT, "$1")
    if text.str.contains(r"\.0+$").any() and text.str.contains(_WHOLE).all():
        text = text.str.replace(r"\.0+$", "")
    is_rounded = text.str.contains(ROUNDED)
    return text.set(is_rounded, None) if is_rounded.any() else text


def text_of(column: pl.Series) -> pl.Series:
    """Any column as text; BadInput for bytes that are none."""
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise BadInput(
            f"column '{column.name}' holds {column.dtype} that is no text: {error}. "
            "Export it as text."
        ) from error


def _spelled(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        column = column.fill_nan(None)
    number = column.cast(pl.Float64)
    if not (number == number.floor()).all():
        return column.cast(pl.String)
    if column.dtype.is_float():
        column = column.set(number.abs() >= _MOST_EXACT, None)
    return column.cast(pl.Int128 if column.dtype.is_decimal() else pl.Int64).cast(pl.String)
