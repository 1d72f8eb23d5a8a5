"""Lines that are sums of other lines: `Total` below a table, in it, or for every day."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from contract.received import TOTAL_LINE
from sources.mapping import Mapped

# in the languages of those who make such lists; a mark or a name may follow: "Total:", "Summe 2024"
_WORDS = (
    r"(?i)^\W*(?:grand\s+|sub[\s-]?)?(?:total[es]?|totaal|totalt|sum|sums|summe|gesamt|gesamtsumme|"
    r"zwischensumme|insgesamt|(?:gesamt)?ergebnis|somme|suma|razem|łącznie|celkem|összesen|toplam|"
    r"yhteensä|i alt|итого|всего|合计|合計|総計)"
    r"(?:\b.*)?$"
)
# how spreadsheets call the total of a group: "North Total", "Nord Ergebnis"
_BEHIND = r"(?i)\s(?:sub)?(?:total[es]?|totaal|totalt|ergebnis|summe|suma|somme)\W*$"
# as good as a total only if it is the sum, too: "All", "(all)", "Alle Filialen"
_EVERYTHING = (
    r"(?i)^\W*(?:all|alle|alla|tous|toutes|todos|todas|tutti|tutte|wszystkie|все)"
    r"(?:\s\p{L}+)?\W*$"
)
_CALLED = "|".join(f"(?:{words})" for words in (_WORDS, _BEHIND, _EVERYTHING))
_FEWEST_SERIES = 4  # of fewer, one is the sum of the others by chance
_FEWEST_DAYS = 7
_SHARE_OF_DAYS = 0.95  # on which a total must be the sum
_NEAR = 1e-6


def without_totals(mapped: Mapped, ids: list[str], day: str) -> tuple[Mapped, tuple[str, ...]]:
    """The rows without those that are called a total and are the sum of the others, refused as
    `total_line`; and notes: which they were, and which series look like one without being called
    so.

    `ids`: the table's columns that make a series; one of several may hold the word, as in a total
    by store. `day`: the table's column of days.
    """
    mapped = replace(mapped, faults=_named(mapped, ids, day))
    if not {"ds", "y"} <= set(mapped.rows.columns) or mapped.rows.is_empty():
        return mapped, ()
    called = [name for name in ids if _is_called(mapped.table[name])]
    rows = _with_ids(mapped, ids) if called else mapped.rows
    notes = []
    for name in called:
        series = _sums_of(rows, name, [other for other in ids if other != name])
        if series:
            mapped = mapped.refuse(pl.col("unique_id").is_in(series), TOTAL_LINE)
            rows = rows.filter(~pl.col("unique_id").is_in(series))
            notes.append(
                f"total_line: {series[:5]} ({len(series)} series) are called a total in column "
                f"'{name}' and are the sum of the others; their rows were refused."
            )
    if unnamed := _sums_unnamed(mapped.rows):
        notes.append(
            f"total_suspected: {unnamed} is the sum of all other series on every day. If it is a "
            "total, its units count twice: leave it out with source.files.keep."
        )
    return mapped, tuple(notes)


def _is_called(column: pl.Series) -> bool:
    return column.dtype == pl.String and bool(
        column.unique().str.contains(_CALLED).any(ignore_nulls=True)
    )


def _named(mapped: Mapped, ids: list[str], day: str) -> pl.DataFrame:
    """The faults; a line without a series or a day that calls itself a total is one."""
    if mapped.faults.is_empty():
        return mapped.faults
    places = (mapped.faults["row_number"] - 1).to_list()
    texts = [name for name, kind in mapped.table.schema.items() if kind == pl.String]
    lines = mapped.table.select(*dict.fromkeys([*texts, *ids, day]))[places]
    says_total = [pl.col(name).str.contains(_WORDS).fill_null(value=False) for name in texts]
    own = [pl.col(name).str.contains(f"{_WORDS}|{_BEHIND}") for name in texts if name in ids]
    own = [says.fill_null(value=False) for says in own]
    no_series = pl.any_horizontal([pl.col(name).is_null() for name in ids])
    nothing = pl.lit(value=False)
    is_total = (pl.any_horizontal(own or [nothing]) & no_series) | (
        pl.any_horizontal(says_total or [nothing]) & pl.col(day).is_null()
    )
    found = lines.select(is_total.alias("found"))["found"]
    others = [name for name in mapped.faults.columns if name not in ("row_number", "reason")]
    return mapped.faults.with_columns(
        pl.when(found).then(pl.lit(TOTAL_LINE)).otherwise("reason").alias("reason"),
        *(pl.when(~found).then(name).alias(name) for name in others),  # it is of no series' day
    )


def _with_ids(mapped: Mapped, ids: list[str]) -> pl.DataFrame:
    places = (mapped.rows["row_number"] - 1).to_list()
    parts = mapped.table.select(pl.col(name).cast(pl.String).alias(f"(id) {name}") for name in ids)
    return mapped.rows.select("unique_id", "ds", "y").hstack(parts[places])


def _sums_of(rows: pl.DataFrame, name: str, others: list[str]) -> list[str]:
    """The series called a total in this column that are the sum of those beside them, or of all."""
    is_total = pl.col(f"(id) {name}").str.contains(_CALLED)
    found: set[str] = set()
    for by in (["ds", *(f"(id) {other}" for other in others)], ["ds"]):
        sums = rows.filter(~is_total).group_by(by).agg(others=pl.col("y").sum(), parts=pl.len())
        daily = rows.filter(is_total).group_by("unique_id", *by).agg(pl.col("y").sum())
        compared = daily.join(sums, on=by, how="left", nulls_equal=True)
        found.update(_equal(compared.filter(pl.col("parts") > 1), daily))
    return sorted(found)


def _equal(compared: pl.DataFrame, daily: pl.DataFrame) -> list[str]:
    """The series whose units are the others' on nearly all of their days."""
    near = (pl.col("y") - pl.col("others")).abs() <= _NEAR * pl.max_horizontal(
        pl.col("y").abs(), 1.0
    )
    days = daily.group_by("unique_id").agg(days=pl.len())
    hits = compared.filter(near).group_by("unique_id").agg(hits=pl.len())
    shares = days.join(hits, on="unique_id").filter(
        pl.col("hits") >= _SHARE_OF_DAYS * pl.col("days")
    )
    return shares["unique_id"].sort().to_list()


def _sums_unnamed(rows: pl.DataFrame) -> str | None:
    """The series that is the sum of all others on every day, whatever it is called. Looked for on
    the first and the last day, compared on all.
    """
    ends = rows.filter(pl.col("ds").is_in([rows["ds"].min(), rows["ds"].max()]))
    halves = ends.with_columns(
        total=pl.col("y").sum().over("ds"), series=pl.col("unique_id").n_unique().over("ds")
    ).filter(
        (2 * pl.col("y") - pl.col("total")).abs() <= _NEAR * pl.col("total").abs(),
        pl.col("series") >= _FEWEST_SERIES,
        pl.col("y") > 0,
    )
    suspects = halves.group_by("unique_id").agg(days=pl.col("ds").n_unique())
    suspects = suspects.filter(pl.col("days") == 2)
    if suspects.height != 1:
        return None
    suspect = suspects["unique_id"][0]
    days = rows.group_by("ds").agg(
        own=pl.col("y").filter(pl.col("unique_id") == suspect).sum(), total=pl.col("y").sum()
    )
    near = (2 * days["own"] - days["total"]).abs() <= _NEAR * days["total"].abs()
    return suspect if days.height >= _FEWEST_DAYS and near.all() else None
