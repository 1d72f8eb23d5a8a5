"""A field's text with the digits, minus signs, blanks and apostrophes of other scripts and programs
in ASCII.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import polars as pl

_MINUS = "−‐‑‒–—﹣－"  # noqa: RUF001 -- the signs a minus is typeset with
_APOSTROPHE = "’‘ʼ′＇´`"  # noqa: RUF001
_NOTHING = "\u200b\u200e\u200f\u202a\u202c\u2066\u2067\u2068\u2069\u061c\ufeff\u00ad"
_MARKS = {"٫": ",", "٬": "'", "،": "'", "．": ".", "，": ",", "％": "%", "٪": "%"}  # noqa: RUF001
_NOT_ASCII = r"[^\x00-\x7F]"
# how programs write that there is no value
NOTHING_WRITTEN = ("null", "nan", "n/a", "#n/a", "na", "none", "nil", r"\n", "-", "(null)", "<na>")
# the same in a column of names, spelled as programs do: a brand may be called NAN, a group None
NOTHING_NAMED = ("NULL", "null", "(NULL)", "(null)", "NaN", "nan", "#N/A", "#NV", r"\N", "<NA>")


@cache
def _replacements() -> dict[str, str]:
    """Every character to replace, and by what."""
    beyond = (chr(code) for code in range(128, sys.maxunicode + 1))
    table = dict(_MARKS)
    for sign in beyond:
        match unicodedata.category(sign):
            case "Nd":
                table.setdefault(sign, str(unicodedata.decimal(sign)))
            case "Zs":
                table.setdefault(sign, " ")
    table |= dict.fromkeys(_MINUS, "-") | dict.fromkeys(_APOSTROPHE, "'")
    return table | dict.fromkeys(_NOTHING, "")


def plain_text(text: pl.Series) -> pl.Series:
    """The text with ASCII digits, signs and blanks, stripped; words keep their letters."""
    if text.str.contains(_NOT_ASCII).any():
        text = text.str.replace_many(_replacements())
    return text.str.strip_chars()


def without_nothing(text: pl.Series) -> pl.Series:
    """Null where the text is how a program writes that there is no value: NULL, NaN, n/a."""
    is_nothing = plain_text(text).str.to_lowercase().is_in(NOTHING_WRITTEN)
    return text.set(is_nothing, None) if is_nothing.any() else text


def names_without_nothing(text: pl.Series) -> pl.Series:
    """Null where a program wrote into a column of names that there is none: NULL, nan, #N/A."""
    is_nothing = text.is_in(NOTHING_NAMED)
    return text.set(is_nothing, None) if is_nothing.any() else text
