"""Quotes that were opened and never closed: they swallow whole lines of a table."""

from __future__ import annotations

import csv
import re

import polars as pl

from contract.errors import BadInput

_SAMPLED = 200  # rows that say which columns always hold a digit


def refuse_open_quote(table: pl.DataFrame, separator: str, name: str, day: str | None) -> None:
    """BadInput for a field that holds whole lines of the table: a quote was opened and never
    closed, and swallowed them. A note of several lines, quoted by the rules, passes.

    A swallowed line is known by a digit wherever the table's own rows have one. Where the next
    line's quote closes the field, the two lines are one row, and the field ends in the quote left
    over. `day`: the column of days, if it is known.
    """
    broken = {
        column.name: column.str.contains("\n", literal=True).fill_null(value=False)
        for column in table
    }
    if not any(rows.any() for rows in broken.values()):
        return
    numeric = _always_with_digit(table, broken, day)
    for place, (column, rows) in enumerate(broken.items()):
        for row in rows.arg_true():
            if _swallows(table[column][row], place, numeric, separator):
                raise BadInput(
                    f"'{name}' opens a quote in row {row + 1} and does not close it there: its "
                    f"field holds {table[column][row].count(chr(10))} more lines. "
                    "Mend that quote; one inside a text is doubled."
                )


def _always_with_digit(
    table: pl.DataFrame, broken: dict[str, pl.Series], day: str | None
) -> list[bool]:
    """Per column, without what lies beyond the header: whether its values hold a digit."""
    whole = table.filter(~pl.any_horizontal(broken.values())).head(_SAMPLED)
    return [
        name == day or (whole[name].str.contains(r"\d").all() and whole[name].count() > 0)
        for name in table.columns[:-1]
    ]


def _swallows(text: str, place: int, numeric: list[bool], separator: str) -> bool:
    """Whether a field at this place holds a line of the table, or the rest of one and the begin of
    the next.
    """
    first, *lines = text.split("\n")
    if text.count('"') % 2 == 1 and text.count(separator) >= len(numeric) - 1:
        return True
    if any(_is_row(line, numeric, separator) for line in lines[:-1]):
        return True
    # the rest of the first line and the begin of the last one make a row, too
    rest = len(numeric) - place
    return (
        _is_row(first, numeric[place:], separator) and rest > 1 and any(numeric[place + 1 :])
    ) or (_is_row(lines[-1], numeric, separator) and len(numeric) > 1)


def _is_row(line: str, numeric: list[bool], separator: str) -> bool:
    try:
        fields = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return False
    return len(fields) >= len(numeric) and all(
        re.search(r"\d", field) is not None
        for field, has_digit in zip(fields, numeric, strict=False)
        if has_digit
    )
