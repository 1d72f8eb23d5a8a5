"""Yes and no, in the words, letters and marks they are written with."""

from __future__ import annotations

import polars as pl

from sources.texts import plain_text

_YES = (
    "1 1.0 true t yes y on ja j oui si sí sim tak da ano igen wahr vrai verdadero vero verdadeiro "
    "prawda sant sand waar kyllä evet да はい 是"
)
_NO = (
    "0 0.0 false f no n off nein non não nao nie net falsch faux falso nee nej nei ne nem fałsz "
    "falskt onwaar ei hayır нет いいえ 否"  # noqa: RUF001
)
_MARKS = ("x", "✓", "✔", "☑", "✅", "✗", "*", "•", "●", "√")
_TICKS = {"✓", "✔", "☑", "✅", "●"}
_CROSSES = ("✗", "✘", "✕", "✖", "❌", "☒", "☐", "○")  # beside a tick, a no
# letters and numbers that mean yes only beside their no
_PAIRS = {"s": "n", "o": "n", "v": "f", "w": "f", "-1": "0"}
_WORDS = dict.fromkeys(_YES.split(), 1.0) | dict.fromkeys(_NO.split(), 0.0)


def read_flags(text: pl.Series) -> pl.Series:
    """1.0 for yes, 0.0 for no, null where nothing is written or nobody can say what it means.

    Where a column holds one mark alone (x) and blanks, a blank is a no.
    """
    words = plain_text(text).str.to_lowercase()
    distinct = set(words.drop_nulls().unique().to_list())
    if len(distinct) == 1 and distinct <= {*_MARKS}:
        return words.is_not_null().cast(pl.Float64)
    table = _WORDS | dict.fromkeys(_MARKS, 1.0)
    if distinct & _TICKS:
        table |= dict.fromkeys(_CROSSES, 0.0)
    table |= {yes: 1.0 for yes, no in _PAIRS.items() if distinct == {yes, no}}
    return words.replace_strict(table, default=None, return_dtype=pl.Float64)
