"""What a file calls its series and their levels: labels, of which none is needed."""

from __future__ import annotations

import polars as pl

from contract.names import PREFIX
from sources.ids import KEPT_AS_TEXT, text_of
from sources.lines import LONGEST_NAME
from sources.texts import names_without_nothing

_TURNING = r"[\p{Bidi_Control}\x{200b}\x{2060}\x{feff}\x{ad}]"  # the code beside them; or unseen


def with_names(
    series: pl.DataFrame, rows: pl.DataFrame, table: pl.DataFrame, names: dict[str, str]
) -> pl.DataFrame:
    """The series with a column `name_of_<level>` for each of `names` (level: column of the table)
    the table has: the last that a row of its group says, by day; null where none does.

    `rows`: the levels, ds and row_number, the place in the table counted from 1.
    """
    found = {level: column for level, column in names.items() if column in table.columns}
    if not found or not rows.height:
        return series
    by_day = rows.select("ds", "row_number", *found).sort("ds", "row_number")
    for level, column in found.items():
        name = _name(table[column]).gather(by_day["row_number"] - 1).alias(PREFIX + level)
        said = by_day.select(level).with_columns(name).drop_nulls()
        last = said.unique(level, keep="last")
        series = series.join(last, on=level, how="left", maintain_order="left")
    return series


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
    text = names_without_nothing(text_of(column).str.replace(KEPT_AS_TEXT, "$1"))
    text = text.str.replace_all(r"\p{Cc}", " ").str.replace_all(_TURNING, "").str.strip_chars()
    text = text.str.slice(0, LONGEST_NAME)
    return text.set(text == "", None)
