"""A table's rows as a contract names them, and beside them the rows that could not be mapped, each
with one reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl
import polars.selectors as cs

from contract.days import earliest, latest
from contract.errors import BadInput
from contract.frames import REFUSED, SERIES, STORED_FACTS
from contract.received import READ, Received, Unread
from sources import reasons
from sources.csv_files import OVERFLOW
from sources.parsing import UNREADABLE, Column, Manner
from sources.troubles import missing_in, trouble_of

LONGEST_RAW_FIELD = 1000  # characters kept of a field of a refused row
KEPT = ("unique_id", "ds", "known_at")


@dataclass(frozen=True)
class Mapped:
    """One table, mapped. Every row of `table` is either in `rows` or in `faults`, by its
    `row_number`.
    """

    table: pl.DataFrame
    rows: pl.DataFrame  # row_number, lines, and one column per Column
    faults: pl.DataFrame  # row_number, reason, and what could be read of KEPT
    # the table's columns a refused row may show: the mapped ones, so that no other ever passes
    shown: tuple[str, ...]
    troubles: tuple[str, ...] = ()  # a sentence for each column that made rows unreadable

    def refuse(self, wrong: pl.Expr, reason: str) -> Mapped:
        """The same with the rows where `wrong` holds moved to the faults."""
        marked = self.rows.with_columns(wrong.fill_null(False).alias("(wrong)"))
        if not marked["(wrong)"].any():
            return self
        faults = _faults(marked.filter("(wrong)").with_columns(reason=pl.lit(reason)))
        kept = marked.filter(~pl.col("(wrong)")).drop("(wrong)")
        return replace(self, rows=kept, faults=pl.concat([self.faults, faults]))

    def with_rows(self, rows: pl.DataFrame) -> Mapped:
        """The same with columns added to its rows."""
        return replace(self, rows=rows)

    @property
    def unread(self) -> Unread | None:
        """The rows that could not be read, and why; None where all were, or were left out on
        purpose.
        """
        lost = self.faults.filter(~pl.col("reason").is_in(reasons.LEFT_OUT))["reason"]
        named = [*UNREADABLE, reasons.MISSING_VALUE, reasons.UNPLACED_SERIES]  # by `troubles`
        others = lost.filter(~lost.is_in(named)).value_counts().sort("reason")
        why = [f"{count} rows: {reasons.REASONS[reason]}" for reason, count in others.iter_rows()]
        return Unread(len(lost), " ".join([*self.troubles, *why])) if len(lost) else None

    def refused(self) -> pl.DataFrame:
        """REFUSED: the faulty rows with their mapped columns as JSON, in the order of the file.

        Beside them, as READ, which series and day they are of: that day is then unknown, not zero.
        """
        faults = self.faults.sort("row_number")
        raw = self.table.select(self.shown)[(faults["row_number"] - 1).to_list()]
        raw = raw.with_columns((cs.binary() | cs.decimal() | cs.duration()).cast(pl.String))
        raw = raw.with_columns(cs.string().str.slice(0, LONGEST_RAW_FIELD))
        raw = raw.with_columns(faults.select(pl.struct(KEPT).alias(READ)))
        return REFUSED.conform(faults.with_columns(raw=raw.to_struct("raw").struct.json_encode()))


def map_table(
    table: pl.DataFrame,
    columns: list[Column],
    manner: Manner,
    name: str,
    checks: tuple[pl.Expr, ...] = (),
) -> Mapped:
    """The table mapped column by column. `checks` are further reasons to refuse a row (null: none),
    and come last.

    A row with several faults is refused once, for the first in the order of `columns`.
    """
    try:
        read = [(column, column.read(table, manner)) for column in columns]
        lost = [(column, field) for column, field in read if field.value.null_count()]
        faults = [column.faults(field) for column, field in lost]
        reason = _first_reason(table, faults, checks)
    except pl.exceptions.PolarsError as error:
        raise BadInput(_not_mapped(error, table, columns, name)) from error
    rows = pl.DataFrame([field.value for _, field in read]).with_columns(
        row_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        lines=pl.lit(1, pl.Int64),
        reason=reason,
    )
    shown = tuple(dict.fromkeys(origin for column in columns for origin in column.origin))
    if reason.null_count() == reason.len():
        return Mapped(table, rows.drop("reason"), _faults(rows.clear()), shown)
    troubles = [
        trouble_of(column, fault == column.unreadable, field.value, table)
        for (column, field), fault in zip(lost, faults, strict=True)
        if (fault == column.unreadable).any()
    ]
    troubles += [
        missing_in(column, int((fault == column.if_missing).sum()))
        for (column, _), fault in zip(lost, faults, strict=True)
        if column.if_missing and (fault == column.if_missing).any()
    ]
    kept = rows.filter(pl.col("reason").is_null()).drop("reason")
    faulty = _faults(rows.filter(pl.col("reason").is_not_null()))
    return Mapped(table, kept, faulty, shown, tuple(troubles))


def _first_reason(
    table: pl.DataFrame, faults: list[pl.Series], checks: tuple[pl.Expr, ...]
) -> pl.Series:
    """Per row, the first reason to refuse it; null for none."""
    ragged = (
        [pl.when(pl.col(OVERFLOW).is_not_null()).then(pl.lit(reasons.RAGGED_LINE))]
        if OVERFLOW in table.columns
        else []
    )
    first = pl.coalesce([pl.lit(None, pl.String), *ragged, *map(pl.lit, faults), *checks])
    reason = table.select(pl.int_range(pl.len()).alias("at"), reason=first)["reason"]
    return reason.cast(pl.String)


def _faults(rows: pl.DataFrame) -> pl.DataFrame:
    """row_number and reason of refused rows, and their series, day and moment as far as they could
    be read. A row left out on purpose says nothing of its day.
    """
    day = next((name for name in ("ds", "from_ds") if name in rows.columns), None)
    known = {"unique_id": "unique_id", "ds": day, "known_at": "known_at"}
    is_unread = ~pl.col("reason").is_in(reasons.LEFT_OUT)
    kinds = {"unique_id": pl.String, "ds": pl.Date, "known_at": pl.Datetime("us")}
    return rows.select(
        "row_number",
        "reason",
        *(
            pl.when(is_unread).then(name if name in rows.columns else None).cast(kinds[kept])
            .alias(kept)
            for kept, name in known.items()
        ),
    )  # fmt: skip


def _not_mapped(
    error: pl.exceptions.PolarsError, table: pl.DataFrame, columns: list[Column], name: str
) -> str:
    kinds = {origin: str(table.schema[origin]) for column in columns for origin in column.origin}
    what = str(error).splitlines()[0]  # the rest is the engine's own plan
    return f"'{name}' holds a type that cannot be mapped: {what}. Its columns are {kinds}."


def received(
    fact: str,
    rows: pl.DataFrame,
    mapped: Mapped | None = None,
    *,
    is_history: bool,
    series: pl.DataFrame | None = None,
    notes: tuple[str, ...] = (),
) -> Received:
    """A Received of these rows (contract columns, row_number, lines) and what `mapped` refused."""
    contract = STORED_FACTS[fact]
    conformed = contract.conform(rows).with_columns(
        rows["row_number"].cast(pl.Int64), rows["lines"].cast(pl.Int64)
    )
    refused = mapped.refused() if mapped else REFUSED.empty()
    rows_in = int(rows["lines"].sum()) + refused.height
    unread = mapped.unread if mapped else None
    return Received(fact, conformed, refused, rows_in, series, notes, is_history, unread)


def spans_history(rows: pl.DataFrame, history_span_days: int) -> bool:
    """Whether a load spans so many days that it cannot have been learned day by day, and does not
    say when it was.
    """
    if rows.is_empty() or rows["known_at"].null_count() == 0:
        return False
    return (latest(rows["ds"]) - earliest(rows["ds"])).days >= history_span_days


def with_one_place(mapped: Mapped, levels: list[str]) -> Mapped:
    """The rows whose series stands in one group of every level on one day: where its first row of
    that day puts it.

    From one day to another it may move, as an item that changes its department does: see series_of.
    """
    if not levels or not _several(_places(mapped.rows, levels)):
        return mapped
    paths = mapped.rows.select("unique_id", "ds", *levels).unique(maintain_order=True)
    first = paths.unique(["unique_id", "ds"], keep="first", maintain_order=True)
    elsewhere = paths.join(first, on=["unique_id", "ds", *levels], how="anti").with_columns(
        pl.lit(True).alias("(elsewhere)")
    )
    marked = mapped.rows.join(
        elsewhere, on=["unique_id", "ds", *levels], how="left", maintain_order="left"
    )
    wrong = marked["(elsewhere)"].fill_null(False)
    return mapped.refuse(pl.lit(wrong), reasons.CONTRADICTING_HIERARCHY)


def series_of(rows: pl.DataFrame, levels: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """SERIES: the series of these rows with their levels, one row each, and who moves: of them the
    place of the newest day.
    """
    paths = _places(rows, levels)
    moving = _several(paths)
    if moving:
        several = rows.filter(pl.col("unique_id").is_in(moving)).sort("ds")
        last = several.select("unique_id", *levels).unique("unique_id", keep="last")
        paths = pl.concat([paths.filter(~pl.col("unique_id").is_in(moving)), last])
    return SERIES.conform(paths.sort("unique_id")), moving


def _several(paths: pl.DataFrame) -> list[str]:
    """The series with more than one place."""
    return paths.filter(pl.col("unique_id").is_duplicated())["unique_id"].unique().sort().to_list()


def _places(rows: pl.DataFrame, levels: list[str]) -> pl.DataFrame:
    """The distinct series and levels, in the order met. Looking only where they change spares
    hashing every row.
    """
    keys = rows.select("unique_id", *levels)
    changed = pl.any_horizontal(pl.all().ne_missing(pl.all().shift()))
    return keys.filter(changed | (pl.int_range(pl.len()) == 0)).unique(maintain_order=True)
