"""Tables for spreadsheets: as CSV or xlsx, and no cell that one would run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import polars.selectors as cs
from xlsxwriter import Workbook

# what a spreadsheet takes for the beginning of a formula (OWASP, CSV injection); its full-width
# twins too, which some read alike
_FORMULA = r"^[=+\-@\t\r\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_FIT_ROWS = 5_000  # of more, measuring every cell takes longer than writing it


def spreadsheet_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text cell that a spreadsheet would run as a formula written as text: a '
    before it.
    """
    return frame.with_columns(
        _as_text(pl.col(name)).alias(name) for name in frame.select(cs.string()).columns
    )


def write_workbook(frame: pl.DataFrame, path: Path, sheet: str) -> None:
    """The frame as an xlsx of one sheet; texts stay texts, also those like formulas."""
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(path, options) as workbook:
        frame.write_excel(
            workbook,
            worksheet=sheet,
            autofit=frame.height < _FIT_ROWS,
            freeze_panes=(1, 0),
        )


def _as_text(cell: pl.Expr) -> pl.Expr:
    return (
        pl.when(cell.str.contains(_FORMULA)).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell)
    )
