"""Series whose names differ only in how they are written: one thing, exported in two ways."""

from __future__ import annotations

import polars as pl

from contract.spelling import bare

_ALIKE = "(written alike)"


def note_alike(series: pl.DataFrame | None, rows: pl.DataFrame) -> tuple[str, ...]:
    """A note about those of the series of these rows (unique_id, ds) that differ only in capitals,
    blanks, leading zeros or the form of Unicode and never stand on one day: most likely one series
    each, cut in two.

    Things that are two are sold on the same days; two spellings of one thing take turns.
    """
    if series is None:
        return ()
    spellings = _taking_turns(series, rows)
    if spellings.is_empty():
        return ()
    return (
        f"ids_alike: {spellings.len()} series stand under several spellings, like "
        f"{spellings[0].to_list()}, which differ only in capitals, blanks, leading zeros or how "
        "Unicode writes a letter, and never on one day. They count as different series. Export the "
        "ids in one way.",
    )


def _taking_turns(series: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """Lists of the ids that are written alike and share no day."""
    spelt = bare("unique_id").alias(_ALIKE)
    alike = series.select("unique_id", spelt).filter(pl.col(_ALIKE).is_duplicated())
    if alike.is_empty():
        return pl.Series([], dtype=pl.List(pl.String))
    days = rows.select("unique_id", "ds").join(alike, on="unique_id").unique()
    spellings = days.group_by(_ALIKE).agg(
        pl.col("unique_id").unique().sort(), shares_a_day=pl.col("ds").is_duplicated().any()
    )
    return spellings.filter(~pl.col("shares_a_day")).sort(_ALIKE)["unique_id"]
