"""Workbooks (xlsx, xls, ods) as tables: the sheet that fits, its cells with their own types."""

from __future__ import annotations

import io
import logging
from fnmatch import fnmatch

import polars as pl

from contract.errors import BadInput
from sources.csv_files import stripped, without_blanks
from sources.headers import (
    LINES_LOOKED_AT,
    Wanted,
    column_names,
    fits,
    header_place,
    shortened,
)
from sources.sheet_size import refuse_endless

_ENDS = {"has_header": False, "drop_empty_rows": False, "drop_empty_cols": False}
# it says of every column without a value that it has no type
logging.getLogger("fastexcel").setLevel(logging.ERROR)


def tables_of_workbook(
    content: bytes, name: str, sheet: str | None, wanted: Wanted | None
) -> list[tuple[str, pl.DataFrame]]:
    """The tables of a workbook by their sheets' names: the only one, or those that `sheet`, a
    pattern, names.

    BadInput for a damaged workbook, for one without a sheet that fits what is wanted, and for
    several that do where none is named.
    """
    grids = grids_of(content, name)
    named = {title: grid for title, grid in grids.items() if sheet is None or fnmatch(title, sheet)}
    places = {title: header_place(grid, wanted)[0] for title, grid in named.items()}
    fitting = [title for title, place in places.items() if fits(named[title][place], wanted)]
    if not fitting and len(named) == 1:
        fitting = list(named)  # whoever needs a column that is not there says so better
    if not fitting:
        raise BadInput(_no_sheet(name, sheet, list(grids), wanted))
    if len(fitting) > 1 and sheet is None:
        raise BadInput(
            f"'{name}' has several sheets with such a table: {shortened(fitting)}. Set "
            "source.files.sheet in shop.yaml to the one that is meant, or to '*' for all of them."
        )
    return [
        (title, _table(content, name, title, named[title][places[title]], places[title], wanted))
        for title in fitting
    ]


def grids_of(content: bytes, name: str) -> dict[str, list[list[str]]]:
    """The first lines of every sheet that has any, by its name, each field as text."""
    refuse_endless(content, name)
    heads = _sheets(content, name, {"dtypes": "string", "n_rows": LINES_LOOKED_AT, "skip_rows": 0})
    return {title: _grid(head) for title, head in heads.items() if head.height}


def _table(
    content: bytes, name: str, title: str, fields: list[str], place: int, wanted: Wanted | None
) -> pl.DataFrame:
    """The rows below a sheet's header. Each column has the type that all of its cells share."""
    where = f"{name}: {title}"
    names = column_names(fields, wanted, where)
    try:
        below = _sheets(content, name, {"skip_rows": place + 1}, title)[title]
    except _NoRows:
        return without_blanks(pl.DataFrame(schema=dict.fromkeys(names, pl.String)))
    below = below.rename(dict(zip(below.columns, names, strict=False)))
    return without_blanks(stripped(below))


class _NoRows(Exception):
    """A sheet ends with its header."""


def _sheets(
    content: bytes, name: str, options: dict[str, object], title: str | None = None
) -> dict[str, pl.DataFrame]:
    which = {"sheet_id": 0} if title is None else {"sheet_name": [title]}
    try:
        return pl.read_excel(  # type: ignore[no-any-return,call-overload]
            io.BytesIO(content),
            engine="calamine",
            read_options=options,
            infer_schema_length=None,
            raise_if_empty=False,
            **which,
            **_ENDS,
        )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if "Too many rows skipped" in reason:
            raise _NoRows from error
        # fastexcel's errors share no class but Exception with one another
        if not type(error).__module__.startswith(("_fastexcel", "fastexcel", "polars")):
            raise
        raise BadInput(
            f"'{name}' cannot be read as a workbook ({reason}). Copy it again; one with a "
            "password must be saved without it."
        ) from error


def _grid(head: pl.DataFrame) -> list[list[str]]:
    return [[(cell or "").strip() for cell in row] for row in head.rows()]


def _no_sheet(name: str, sheet: str | None, titles: list[str], wanted: Wanted | None) -> str:
    looked_for = f" with the columns {sorted(wanted.names)}" if wanted else ""
    if sheet is not None:
        return (
            f"'{name}' has no sheet like '{sheet}' (source.files.sheet){looked_for}; "
            f"its sheets are {shortened(titles)}."
        )
    return (
        f"'{name}' has no sheet{looked_for}; its sheets are {shortened(titles)}. "
        "Change shop.yaml: source.files.columns, or set source.files.sheet."
    )
