"""What a row of the supply file must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import SUPPLY, TERMS
from contract.params import IngestParams
from contract.scopes import is_of_nobody
from expectations.every_fact import (
    columns_there,
    not_learned_ahead,
    not_too_far_ahead,
    not_too_old,
    of_somebody,
    stated_once,
)
from expectations.measures import days_from_now, days_learned_ahead, days_since, with_copies
from expectations.rule import Rule, present, within
from expectations.suite import Context, Suite

_MOST_DAYS = 1000  # of a lead time or a review period; a typing error is further
_ROUNDED = 0.002  # by which probabilities of three decimals may miss 1
_SERVICE = (0.005, 0.995)  # of which quantiles are known
_MONEY = {
    "unit_cost": "A unit costs nothing or more.",
    "margin": "Who earns less than nothing on a unit orders none.",
    "leftover_cost": "A unit left over loses nothing or more.",
}


def supply_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    several = "Two rows of this file hold for the same series (source.files.supply_on)."
    nothing = "A row that says no term of supply says nothing."
    service = "A service is a share of deliveries, from 0.005 to 0.995."
    return [
        columns_there(),
        present("scope", "scope_missing", "A row must say for which series it holds."),
        within("terms", "supply_empty", nothing, at_least=1),
        not_learned_ahead(),
        *stated_once(several, "The same row stands in this file already."),
        *_of_days(ingest),
        within("pack_size", "pack_absurd", "A pack holds units.", above=0, at_most=float_info.max),
        _not_negative("min_order", "order_minimum_absurd", "A minimum is 0 units or more."),
        *(_not_negative(name, f"{name}_absurd", why) for name, why in _MONEY.items()),
        within(
            "target_service", "service_outside", service, at_least=_SERVICE[0], at_most=_SERVICE[1]
        ),
        of_somebody("scope_of_nobody"),
    ]


def _of_days(ingest: IngestParams) -> list[Rule]:
    negative = "Nothing arrives before it is ordered."
    long = "A lead time of over 1000 days is a typing error."
    shares = "The probabilities of a lead time's days lie from 0 to 1 and sum to 1."
    review = "Days between orders are whole, from 1 to 1000."
    life = "Days on which a unit can be sold are whole, from 1."
    return [
        within("lead_least", "lead_negative", negative, at_least=0),
        within("lead_most", "lead_absurd", long, at_most=_MOST_DAYS),
        within("lead_shares_off", "lead_shares_wrong", shares, at_most=_ROUNDED),
        within("review_whole", "review_absurd", review, at_least=1, at_most=_MOST_DAYS),
        not_too_old(),
        not_too_far_ahead(ingest),
        within("shelf_life_whole", "life_absurd", life, at_least=1, at_most=float_info.max),
    ]


def _not_negative(column: str, code: str, sentence: str) -> Rule:
    return within(column, code, sentence, at_least=0, at_most=float_info.max)


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    terms = [pl.col(name).is_not_null() for name in TERMS]
    rows = with_copies(rows, SUPPLY.key, list(TERMS)).with_columns(
        days_since("first_order", context.ingest.oldest_day),
        days_from_now("first_order", context.received_day),
        days_learned_ahead(context.received_day),
        terms=pl.sum_horizontal(terms).cast(pl.Int64),
        review_whole=_whole("review_days"),
        shelf_life_whole=_whole("shelf_life_days"),
        is_of_nobody=is_of_nobody(context.series).cast(pl.Int64),
    )
    return rows.with_columns(**_of_lead())


def _whole(column: str) -> pl.Expr:
    """A number of days where it is whole; else 0, which is none."""
    value = pl.col(column)
    return pl.when(value.is_null() | (value % 1 == 0)).then(value).otherwise(0.0)


def _of_lead() -> dict[str, pl.Expr]:
    """The least and most days of a lead time, and by how much its shares are none."""
    pairs = pl.col("lead_days").str.split(" ")
    parts = pl.element().str.split(":")
    days = pairs.list.eval(parts.list.first().cast(pl.Int64, strict=False))
    shares = pairs.list.eval(parts.list.get(1, null_on_oob=True).cast(pl.Float64, strict=False))
    shares = shares.list.drop_nulls()
    off = pl.max_horizontal((shares.list.sum() - 1).abs(), -shares.list.min())
    return {
        "lead_least": days.list.min(),
        "lead_most": days.list.max(),
        "lead_shares_off": pl.when(shares.list.len() > 0).then(off),
    }


SUPPLY_SUITE = Suite("supply", _measured, supply_rules)
