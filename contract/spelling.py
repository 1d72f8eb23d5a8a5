"""Ids as they read to people: two spellings of one thing are equal here."""

from __future__ import annotations

import polars as pl

_UNSEEN = r"[\s\p{Cf}\p{Cc}]+"  # blanks, and what has no width
_LEADING_ZEROS = r"(^|[^\d.,])0+(\d)"  # the ones behind a decimal mark count


def bare(column: str) -> pl.Expr:
    """The texts of a column without capitals, blanks, leading zeros and forms of Unicode."""
    text = pl.col(column).str.normalize("NFKC").str.to_lowercase().str.replace_all(_UNSEEN, "")
    return text.str.replace_all(_LEADING_ZEROS, "$1$2")
