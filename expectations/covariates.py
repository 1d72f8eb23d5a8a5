"""What a row of your own columns must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import COVARIATES
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


def covariate_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    return [
        within("columns_missing", "columns_missing", "A required column is not there: another file, or another mapping.",
               at_most=0, severity="batch"),
        present("unique_id", "series_missing", "A value of no series explains nothing."),
        within("unique_id_length", "series_name_absurd", "A series' name has 1 to 200 characters.",
               at_least=1, at_most=200),
        within("unique_id_unseen", "series_name_unseen", "A name with line ends or tabs is a shifted column.", at_most=0),
        present("name", "covariate_unnamed", "A value must say what it measures."),
        present("ds", "day_missing", "A value of no day explains no day."),
        within("days_since_oldest", "day_too_old", "A day before ingest.oldest_day is a typing error.", at_least=0),
        not_learned_ahead(),
        within("versions", "contradicting_rows", "Two rows of this file say different things of one series and day.",
               at_most=1),
        within("copy", "repeated_row", "The same row stands in this file already.", at_most=0),
        within("value", "value_not_finite", "A value is a number.", at_least=-float_info.max, at_most=float_info.max),
    ]  # fmt: skip


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    return with_copies(rows, COVARIATES.key, ["value"]).with_columns(
        name_length("unique_id"),
        control_characters("unique_id"),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
    )


COVARIATES_SUITE = Suite("covariates", _measured, covariate_rules)
