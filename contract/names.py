"""What people call series and their levels: labels beside codes, never keys or features.

They stand beside the hierarchy as columns `name_of_<level>`, or `name_of_unique_id` for the series.
"""

from __future__ import annotations

import polars as pl

PREFIX = "name_of_"


def is_name(column: str) -> bool:
    """Whether a column of the series holds names."""
    return column.startswith(PREFIX)


def without_names(series: pl.DataFrame) -> pl.DataFrame:
    """The series without their names."""
    return series.select(name for name in series.columns if not is_name(name))


def labels(names: pl.DataFrame) -> dict[str, str]:
    """What to call each series that has a name: those of its levels joined, in the order of the
    columns, each once. `names`: unique_id and columns of names.
    """
    parts = [name for name in names.columns if is_name(name)]
    if not parts:
        return {}
    each = pl.concat_list(parts).list.drop_nulls().list.unique(maintain_order=True)
    named = names.select("unique_id", label=each.list.join(" · ")).filter(pl.col("label") != "")
    return dict(named.iter_rows())


def labels_of_level(names: pl.DataFrame, series: pl.DataFrame, level: str) -> dict[str, str]:
    """What to call each group of a level of one column; empty where nothing names them."""
    column = f"{PREFIX}{level}"
    if column not in names.columns or level not in series.columns:
        return {}
    called = series.join(names, on="unique_id").select(level, column).drop_nulls()
    return dict(called.unique(level, keep="first", maintain_order=True).iter_rows())
