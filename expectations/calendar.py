"""What a row of the calendar must be."""

from __future__ import annotations

import polars as pl

from contract.frames import CALENDAR
from contract.params import IngestParams
from expectations.every_fact import (
    columns_there,
    not_learned_ahead,
    not_too_far_ahead,
    not_too_old,
    readable_name,
    stated_once,
)
from expectations.measures import (
    control_characters,
    days_from_now,
    days_learned_ahead,
    days_since,
    name_length,
    with_copies,
)
from expectations.rule import Rule, present, within
from expectations.suite import Context, Suite


def calendar_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    nowhere = "An event of nowhere holds nowhere; everywhere is written *."
    several = "Two rows of this file say different things of one region and day."
    long_event = "The names of a day's events have 1000 characters at most."
    return [
        columns_there(),
        present("region", "region_missing", nowhere),
        *readable_name("region", "region", "A region's name"),
        present("ds", "day_missing", "An event of no day cannot be planned for."),
        not_too_old(),
        not_too_far_ahead(ingest),
        not_learned_ahead(),
        *stated_once(several, "The same row stands in this file already."),
        within("event_length", "event_name_absurd", long_event, at_most=1000),
    ]


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    values = list(CALENDAR.optional)
    return with_copies(rows, CALENDAR.key, values).with_columns(
        name_length("region"),
        control_characters("region"),
        name_length("event"),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
        days_from_now("ds", context.received_day),
    )


CALENDAR_SUITE = Suite("calendar", _measured, calendar_rules)
