"""The judge: which rows of a batch are accepted, which are refused and why, what is noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl
import polars.selectors as cs

from contract.received import READ, TOTAL_LINE, Received
from expectations.rule import Rule
from expectations.suite import Context, Suite
from expectations.unread import (
    EXAMPLES,
    RuleResult,
    day_column,
    first_day,
    refusals,
    unread_results,
    without_values,
)

TOO_MANY_REFUSED = "too_many_refused"
FILE_REFUSED = "file_refused"
_LONGEST_RAW_FIELD = 1000  # characters kept of a field of a refused row


@dataclass(frozen=True)
class Judgement:
    """A batch, judged. `accepted`: the fact's columns, row_number, lines. `refused`: row_number,
    reason, raw, lines.

    Summed over `lines`, accepted + refused = received, always. A row is refused once, for the first
    rule it breaks in the suite's order. `reason` is set when the batch is refused whole.
    `judged_by` says who decided.
    """

    accepted: pl.DataFrame
    refused: pl.DataFrame
    notes: tuple[str, ...]
    results: tuple[RuleResult, ...]
    judged_by: str
    reason: str | None = None


def judge(
    received: Received, suite: Suite, context: Context, by_great_expectations: bool | None = None
) -> Judgement:
    """The batch against every rule of its suite; by Great Expectations unless it is larger than
    params allow it.
    """
    if by_great_expectations is None:
        by_great_expectations = received.rows.height <= context.ingest.great_expectations_max_rows
    rows = _complete(received.rows, suite)
    rules = suite.rules(context.ingest)
    measured = suite.measured(rows, context)
    found = broken_rows(measured, rules, by_great_expectations)
    rows, broken = without_values(rows, found, rules, suite, context.prices)
    reason, because = _whole_batch(broken, rules, measured, received, context)
    code = _first_broken(rules, because)
    blamed = broken.select(code.alias("reason")).to_series()
    named = [measured["known_as"]] if "known_as" in measured.columns else []
    refused = _refused(rows.with_columns(blamed, *named).filter(blamed.is_not_null()), suite)
    unread = [] if reason else unread_results(received, context.ingest.most_unread)
    return Judgement(
        accepted=rows.drop("columns_missing").filter(blamed.is_null()),
        refused=pl.concat([received.refused.with_columns(lines=pl.lit(1, pl.Int64)), refused]),
        notes=(
            *received.notes,
            *(f"{result.code}: {result.sentence}" for result in unread),
            *([] if reason else refusals(broken, rules, measured, received, context)),
            *_notes(found, rules, measured),
        ),
        results=(*_results(found, rules, measured), *unread),
        judged_by="great_expectations" if by_great_expectations and rows.height else "polars",
        reason=reason,
    )


def refuse_whole(judgement: Judgement, suite: Suite, reason: str) -> Judgement:
    """The same batch with every row refused, because another fact of its file was refused: a file
    is in or out.
    """
    if judgement.reason:
        return judgement
    rows = judgement.accepted.with_columns(reason=pl.lit(FILE_REFUSED))
    refused = pl.concat([judgement.refused, _refused(rows, suite)])
    return replace(judgement, accepted=judgement.accepted.clear(), refused=refused, reason=reason)


def refuse_keys(judgement: Judgement, suite: Suite, keys: pl.DataFrame, reason: str) -> Judgement:
    """The same batch with the rows of these keys refused for a reason that no rule knows."""
    rows = judgement.accepted.join(keys, on=keys.columns, how="semi").with_columns(
        reason=pl.lit(reason)
    )
    accepted = judgement.accepted.join(keys, on=keys.columns, how="anti", maintain_order="left")
    return replace(
        judgement, accepted=accepted, refused=pl.concat([judgement.refused, _refused(rows, suite)])
    )


def broken_rows(
    measured: pl.DataFrame, rules: Sequence[Rule], by_great_expectations: bool
) -> pl.DataFrame:
    """Per rule (column, named by its code) and row: whether the row breaks it."""
    if by_great_expectations and measured.height:
        from expectations.great import broken_by_great_expectations

        return broken_by_great_expectations(measured, rules)
    return measured.select(rule.broken.fill_null(False).alias(rule.code) for rule in rules)


def _complete(rows: pl.DataFrame, suite: Suite) -> pl.DataFrame:
    """The fact's columns, row_number and lines; an absent required column is null and counted. NaN
    is no number: null.
    """
    schema = suite.contract.schema
    missing = [name for name in suite.contract.columns if name not in rows.columns]
    absent = [
        pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in rows.columns
    ]
    typed = rows.with_columns(absent).select(
        [pl.col(name).cast(kind) for name, kind in schema.items()] + ["row_number", "lines"]
    )
    return typed.with_columns(
        cs.float().fill_nan(None), pl.lit(len(missing), pl.Int64).alias("columns_missing")
    )


def _whole_batch(
    broken: pl.DataFrame,
    rules: Sequence[Rule],
    measured: pl.DataFrame,
    received: Received,
    context: Context,
) -> tuple[str | None, str | None]:
    """Why the batch is refused whole, as a sentence and as the code its innocent rows get; None
    twice: it is not.
    """
    for rule in rules:
        if rule.severity == "batch" and broken[rule.code].any():
            return f"{rule.code}: {rule.sentence}", rule.code
    of_rows = [rule for rule in rules if rule.severity in ("row", "value") and not rule.is_left_out]
    guilty = broken.select(pl.any_horizontal(rule.code for rule in of_rows)).to_series()
    totals = (received.refused["reason"] == TOTAL_LINE).sum()
    lines = received.refused.height - totals + int(measured.filter(guilty)["lines"].sum())
    share = lines / received.rows_in if received.rows_in else 0.0
    if share <= context.ingest.max_refused_share:
        return None, None
    most = sorted(((int(broken[rule.code].sum()), rule.code) for rule in of_rows), reverse=True)
    codes = received.refused["reason"].value_counts().select("count", "reason").rows() + most
    why = ", ".join(f"{code} {count}" for count, code in sorted(codes, reverse=True)[:3] if count)
    return (
        f"{TOO_MANY_REFUSED}: {lines} of {received.rows_in} rows broke a rule ({why}), "
        f"a share of {share:.3f}; "
        f"ingest.max_refused_share is {context.ingest.max_refused_share}. "
        "Mend the file, or the rule. "
        + (f"{received.unread.why} " if received.unread else "")
        + " ".join(
            _described(rule, broken, measured)
            for rule in of_rows
            if rule.way_out and broken[rule.code].any()
        ),
        TOO_MANY_REFUSED,
    )


def _first_broken(rules: Sequence[Rule], because: str | None) -> pl.Expr:
    """The code of the first rule a row breaks; else the batch's own, where it is refused whole;
    else null.
    """
    first = [
        pl.when(pl.col(rule.code)).then(pl.lit(rule.code))
        for rule in rules
        if rule.severity != "note"
    ]
    return pl.coalesce([*first, pl.lit(because, pl.String)])


def _refused(rows: pl.DataFrame, suite: Suite) -> pl.DataFrame:
    fields = [
        pl.col(name).cast(pl.String).str.slice(0, _LONGEST_RAW_FIELD)
        for name in suite.contract.schema
    ]
    raw = pl.struct(fields).struct.json_encode()
    if "known_as" in rows.columns:  # whose day is unknown, whatever the row calls it
        read = pl.struct("ds", "known_at", unique_id="known_as").alias(READ)
        renamed = pl.struct(*fields, read).struct.json_encode()
        raw = pl.when(pl.col("known_as").is_not_null()).then(renamed).otherwise(raw)
    return rows.select("row_number", "reason", raw.alias("raw"), "lines")


def _results(broken: pl.DataFrame, rules: Sequence[Rule], rows: pl.DataFrame) -> list[RuleResult]:
    counts = broken.sum().row(0, named=True)
    return [
        RuleResult(
            rule.code,
            rule.sentence,
            rule.severity,
            int(counts[rule.code] or 0),
            _numbers(broken, rule, rows),
            *(_extent(broken, rule, rows) if rule.severity in ("value", "note") else ()),
        )
        for rule in rules
    ]


def _numbers(broken: pl.DataFrame, rule: Rule, rows: pl.DataFrame) -> tuple[int, ...]:
    return tuple(rows.filter(broken[rule.code])["row_number"].head(EXAMPLES))


def _extent(
    broken: pl.DataFrame, rule: Rule, rows: pl.DataFrame
) -> tuple[date | None, float | None]:
    """From which day on a rule is broken, and by what at most."""
    guilty = rows.filter(broken[rule.code])
    worst = guilty[rule.column].cast(pl.Float64, strict=False).max()
    return first_day(guilty), worst if isinstance(worst, float) else None


def _notes(broken: pl.DataFrame, rules: Sequence[Rule], measured: pl.DataFrame) -> list[str]:
    """One sentence per broken rule that only notes."""
    return [
        _described(rule, broken, measured)
        for rule in rules
        if rule.severity in ("value", "note") and broken[rule.code].any()
    ]


def _described(rule: Rule, broken: pl.DataFrame, measured: pl.DataFrame) -> str:
    """On which days a rule was broken, by how much, in which group; its reason and way out."""
    day = day_column(measured)
    rows = measured.filter(broken[rule.code])
    rows = rows.sort(day, nulls_last=True) if day else rows
    first = rows.row(0, named=True)
    group = f" in {first[f'{rule.column}_in']}" if f"{rule.column}_in" in first else ""
    when = f" on {rows[day].n_unique()} days, from {first[day]}" if day else ""
    return (
        f"{rule.code}: {rows.height} rows{when} ({rule.column} {first[rule.column]:.3g}{group}). "
        f"{rule.sentence}" + (rule.way_out and f" {rule.way_out}")
    )
