"""Ids as they read to people: two spellings of one thing are equal here."""

from __future__ import annotations

import polars as pl

_UNSEEN = r"[\s\p{Cf}\p{Cc}]+"  # blanks, and what has no width
# letters of Cyrillic and Greek that read like a Latin one, small or as a capital
_LOOK_ALIKES = {
    **dict(zip("авекмнорстухіѕј", "abekmhopctyxisj", strict=True)),
    **dict(zip("αβεζηικμνορτυχ", "abezhikmnoptyx", strict=True)),
}
_LEADING_ZEROS = r"(^|[^\d.,])0+(\d)"  # the ones behind a decimal mark count


def bare(column: str) -> pl.Expr:
    """The texts of a column without capitals, blanks, leading zeros and forms of Unicode, in Latin
    letters where another alphabet's look the same.
    """
    text = pl.col(column).str.normalize("NFKC").str.to_lowercase().str.replace_all(_UNSEEN, "")
    text = text.str.replace_many(_LOOK_ALIKES)
    return text.str.replace_all(_LEADING_ZEROS, "$1$2")
