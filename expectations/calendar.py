"""What a row of the calendar must be."""

from __future__ import annotations

import polars as pl

from contract.frames import CALENDAR
from contract.params import IngestParams
from expectations.measures import (
    control_characters,
    days_learned_ahead,
    days_since,
    name_length,
    with_copies,
)
from expectations.rule import Rule, not_learned_ahead, present, within
from expectations.suite import Context, Suite


def calendar_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    return [
        within("columns_missing", "columns_missing", "A required column is not there: another file, or another mapping.",
               at_most=0, severity="batch"),
        present("region", "region_missing", "An event of nowhere holds nowhere; everywhere is written *."),
        within("region_length", "region_name_absurd", "A region's name has 1 to 200 characters.", at_least=1, at_most=200),
        within("region_unseen", "region_name_unseen", "A name with line ends or tabs is a shifted column.", at_most=0),
        present("ds", "day_missing", "An event of no day cannot be planned for."),
        within("days_since_oldest", "day_too_old", "A day before ingest.oldest_day is a typing error.", at_least=0),
        not_learned_ahead(),
        within("versions", "contradicting_rows", "Two rows of this file say different things of one region and day.",
               at_most=1),
        within("copy", "repeated_row", "The same row stands in this file already.", at_most=0),
        within("event_length", "event_name_absurd", "The names of a day's events have 1000 characters at most.",
               at_most=1000),
    ]  # fmt: skip


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    values = list(CALENDAR.optional)
    return with_copies(rows, CALENDAR.key, values).with_columns(
        name_length("region"),
        control_characters("region"),
        name_length("event"),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
    )


CALENDAR_SUITE = Suite("calendar", _measured, calendar_rules)
