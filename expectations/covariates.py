"""What a row of your own columns must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import COVARIATES
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


def covariate_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    several = "Two rows of this file say different things of one series and day."
    largest = float_info.max
    return [
        columns_there(),
        present("unique_id", "series_missing", "A value of no series explains nothing."),
        *readable_name("unique_id", "series", "A series' name"),
        present("name", "covariate_unnamed", "A value must say what it measures."),
        present("ds", "day_missing", "A value of no day explains no day."),
        not_too_old(),
        not_too_far_ahead(ingest),
        not_learned_ahead(),
        *stated_once(several, "The same row stands in this file already."),
        within(
            "value", "value_not_finite", "A value is a number.", at_least=-largest, at_most=largest
        ),
    ]


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    return with_copies(rows, COVARIATES.key, ["value"]).with_columns(
        name_length("unique_id"),
        control_characters("unique_id"),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
        days_from_now("ds", context.received_day),
    )


COVARIATES_SUITE = Suite("covariates", _measured, covariate_rules)
