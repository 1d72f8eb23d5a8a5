"""What a row of totals must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import TOTALS
from contract.params import IngestParams
from contract.scopes import is_of_nobody
from expectations.every_fact import (
    columns_there,
    not_learned_ahead,
    not_too_old,
    of_somebody,
    stated_once,
)
from expectations.measures import days_ahead, days_learned_ahead, days_since, with_copies
from expectations.rule import Rule, present, within
from expectations.suite import Context, Suite


def totals_rules(_: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    several = "Two rows of this file say different units of one group and day."
    negative = "A group sells nothing or more; are returns netted?"
    return [
        columns_there(),
        present("scope", "total_of_none", "A row must say whose total it is."),
        present("ds", "total_undated", "A total of no day is of no use."),
        not_too_old(),
        not_learned_ahead(),
        within(
            "days_ahead", "total_of_tomorrow", "A day that has not come sold nothing.", at_most=0
        ),
        *stated_once(several, "The same row stands in this file already."),
        present("y", "total_missing", "A total must say its units; nothing sold is 0."),
        within("y", "total_negative", negative, at_least=0),
        within("y", "total_not_finite", "Units are a number.", at_most=float_info.max),
        of_somebody("total_of_nobody"),
    ]


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    return with_copies(rows, TOTALS.key, ["y"]).with_columns(
        days_ahead("ds", context.received_day),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
        is_of_nobody=is_of_nobody(context.series).cast(pl.Int64),
    )


TOTALS_SUITE = Suite("totals", _measured, totals_rules)
