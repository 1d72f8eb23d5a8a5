"""What a file calls its series and their levels: labels, of which none is needed."""

from __future__ import annotations

import polars as pl

from contract.names import PREFIX
from sources.ids import text_of
from sources.lines import LONGEST_NAME, UNSEEN
from sources.texts import names_without_nothing


def with_names(
    series: pl.DataFrame, rows: pl.DataFrame, table: pl.DataFrame, names: dict[str, str]
) -> pl.DataFrame:
    """The series with a column `name_of_<level>` for each of `names` (level: column of the table)
    the table has: the last that a row of the series says, by day; null where none does.

    `rows`: unique_id, ds and row_number, the place in the table counted from 1.
    """
    found = {PREFIX + level: column for level, column in names.items() if column in table.columns}
    if not found or not rows.height:
        return series
    at = rows.select("unique_id", "ds", "row_number")
    read = table.select(_name(table[column]).alias(name) for name, column in found.items())
    said = at.hstack(read.select(pl.all().gather(at["row_number"] - 1)))
    by_day = said.sort("ds", "row_number").group_by("unique_id")
    last = by_day.agg(pl.col(list(found)).drop_nulls().last())
    return series.join(last, on="unique_id", how="left", maintain_order="left")


def note_missing(table: pl.DataFrame, names: dict[str, str]) -> tuple[str, ...]:
    """A note about columns of names that the file lacks: it is taken without them."""
    missing = sorted(set(names.values()) - set(table.columns))
    if not missing:
        return ()
    return (
        f"names_missing: {missing} of source.files.names are no columns of the file or its static "
        "file. Names known before stay.",
    )


def _name(column: pl.Series) -> pl.Series:
    text = names_without_nothing(text_of(column)).str.replace_all(UNSEEN, " ").str.strip_chars()
    text = text.str.slice(0, LONGEST_NAME)
    return text.set(text == "", None)
