"""What is lost of a file that is taken: rows that could not be read, rows and values that rules
refuse, each past a per mille in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from contract.days import earliest
from contract.received import Received
from expectations.rule import Rule, Severity
from expectations.suite import Context, Suite

ROWS_UNREAD = "rows_unread"
ROWS_REFUSED = "rows_refused"
EXAMPLES = 5
_BEFORE = "(known before)"


@dataclass(frozen=True)
class RuleResult:
    """How a rule fared: rows that break it (each row counts at every rule it breaks), a few of
    their numbers, the first day with such a row, and the largest of their values.
    """

    code: str
    sentence: str
    severity: Severity
    broken_rows: int
    examples: tuple[int, ...]
    first_day: date | None = None
    worst: float | None = None


def day_column(rows: pl.DataFrame) -> str | None:
    """Which column says the day of a fact's rows, of periods their first; None for rows of no
    day.
    """
    return next((name for name in ("from_ds", "ds") if name in rows.columns), None)


def first_day(rows: pl.DataFrame) -> date | None:
    """The first day of a fact's rows; None where they say none."""
    day = day_column(rows)
    days = rows[day].drop_nulls() if day else []
    return earliest(days) if len(days) else None


def without_values(
    rows: pl.DataFrame,
    broken: pl.DataFrame,
    rules: Sequence[Rule],
    suite: Suite,
    known: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows without the values that a rule refuses alone, and which rows are broken still: those
    in which nothing else stands.

    `known`: the fact's rows known before. Where a row restates one of them, its value goes on.
    """
    for rule in rules:
        if rule.severity != "value" or not broken[rule.code].any():
            continue
        others = [name for name in suite.contract.optional if name != rule.value]
        stands = rows.select(pl.any_horizontal(pl.col(others).is_not_null())).to_series()
        is_blanked = broken[rule.code] & stands
        before = known.select(*suite.contract.key, pl.col(rule.value).alias(_BEFORE))
        value = pl.when(~pl.lit(is_blanked)).then(rule.value).otherwise(_BEFORE)
        rows = (
            rows.join(before, on=suite.contract.key, how="left", maintain_order="left")
            .with_columns(value.alias(rule.value))
            .drop(_BEFORE)
        )
        broken = broken.with_columns((broken[rule.code] & ~stands).alias(rule.code))
    return rows, broken


def unread_results(received: Received, most: float) -> list[RuleResult]:
    """A note where more than this share of the received rows could not be read: their days are
    unknown.
    """
    unread = received.unread
    if unread is None or unread.rows <= most * received.rows_in:
        return []
    share = unread.rows / received.rows_in
    sentence = (
        f"{unread.rows} of {received.rows_in} rows ({share:.1%}) could not be read; "
        f"their series' days are unknown, not zero. {unread.why}"
    )
    numbers, first = tuple(received.refused["row_number"].head(EXAMPLES)), first_day(received.rows)
    return [RuleResult(ROWS_UNREAD, sentence, "note", unread.rows, numbers, first, share)]


def refusals(
    broken: pl.DataFrame,
    rules: Sequence[Rule],
    measured: pl.DataFrame,
    received: Received,
    context: Context,
) -> list[str]:
    """A note where rules refuse more than ingest.most_unread of a file that is taken, counted in
    its lines: which, how often, three values.
    """
    guilty = {
        rule: measured.filter(broken[rule.code])[rule.column]
        for rule in rules
        if rule.severity in ("row", "value") and broken[rule.code].any()
    }
    is_guilty = broken.select(pl.any_horizontal(False, *(rule.code for rule in guilty))).to_series()
    lines = int(measured.filter(is_guilty)["lines"].sum())
    if lines <= context.ingest.most_unread * received.rows_in:
        return []
    why = "; ".join(
        f"{rule.code} {values.len()} ({rule.column} {', '.join(map(str, values.unique().head(3)))})"
        for rule, values in guilty.items()
    )
    share = lines / received.rows_in
    return [
        f"{ROWS_REFUSED}: {lines} of {received.rows_in} rows ({share:.1%}) broke a rule: {why}. "
        "See the quarantine; what they say of their days is unknown."
    ]
