"""What a price must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import PRICES
from contract.params import IngestParams
from expectations.every_fact import (
    columns_there,
    not_learned_ahead,
    not_too_far_ahead,
    readable_name,
    stated_once,
)
from expectations.measures import (
    control_characters,
    days_from_now,
    days_learned_ahead,
    name_length,
    with_copies,
)
from expectations.rule import Rule, present, within
from expectations.suite import Context, Suite


def price_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    several = "Two rows of this file give one series two prices from the same day."
    no_end = "A price must say until which day it holds."
    reversed_period = "A period does not end before it begins."
    below_nothing = "No price lies below nothing; its promotion stands."
    free = "Free goods: a price of 0 is taken as one."
    no_strength = "The strength of a promotion is 0 or more."
    jump = (
        "A price this far above the series' usual one (ingest.max_price_jump) is a typing "
        "error: a decimal mark lost, a pack for a piece. It is unknown; its promotion stands."
    )
    clearance = (
        "A price this far below the series' usual one (ingest.max_price_jump) is taken as a "
        "clearance: or was a decimal mark lost?"
    )
    largest = float_info.max
    return [
        columns_there(),
        present("unique_id", "series_missing", "A price of nothing sells nothing."),
        *readable_name("unique_id", "series", "A series' name"),
        present("from_ds", "day_missing", "A price must say from which day it holds."),
        present("to_ds", "last_day_missing", no_end),
        within("period_days", "period_reversed", reversed_period, at_least=0),
        not_too_far_ahead(ingest),
        not_learned_ahead(),
        *stated_once(several, "The same row stands in this file already."),
        within(
            "price", "price_negative", below_nothing, at_least=0, at_most=largest
        ).refusing_value("price"),
        within("promo", "promo_outside", no_strength, at_least=0, at_most=largest),
        within("overlap_days", "periods_overlap", "On one day a series has one price.", at_most=0),
        within("price_jump", "price_jump", jump, at_most=ingest.max_price_jump)
        .on_arrival()
        .refusing_value("price"),
        within("price_drop", "price_clearance", clearance, at_most=ingest.max_price_jump)
        .on_arrival()
        .with_severity("note"),
        within("price_if_free", "price_free", free, above=0).with_severity("note"),
    ]


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = with_copies(rows, PRICES.key, ["to_ds", "price", "promo"]).with_columns(
        name_length("unique_id"),
        control_characters("unique_id"),
        days_learned_ahead(context.received_day),
        days_from_now("from_ds", context.received_day),
        period_days=(pl.col("to_ds") - pl.col("from_ds")).dt.total_days(),
    )
    return _with_overlap(_with_jump(rows, context), context)


def _with_jump(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Adds the factors above and below the last price known before the period, else the series'
    median in this very file; and `price_if_free`, a price of nothing.

    Not those to the row before: after a wrong row the right one would look like the jump. Nor, from
    below, to a clearance: the factor above is that to the known prices' median where that is more.
    """
    sane = pl.col("price").is_finite() & (pl.col("price") > 0)
    before = (
        context.prices.filter(sane)
        .select("unique_id", "from_ds", last_price="price")
        .sort("from_ds")
    )
    at = (
        rows.select("unique_id", "from_ds")
        .with_row_index("at")
        .filter(pl.col("from_ds").is_not_null())
    )
    last = at.sort("from_ds").join_asof(
        before, on="from_ds", by="unique_id", allow_exact_matches=False, check_sortedness=False
    )
    rows = rows.with_row_index("at").join(
        last.select("at", "last_price"), on="at", how="left", maintain_order="left"
    )
    rows = rows.join(_known_median(before), on="unique_id", how="left", maintain_order="left")
    usual = pl.when(sane).then("price").median().over("unique_id")
    price, last_price = pl.col("price"), pl.coalesce("last_price", usual)
    highest = pl.coalesce(pl.max_horizontal("last_price", "known_price"), usual)
    return rows.with_columns(
        price_jump=pl.when(sane).then(price / highest),
        price_drop=pl.when(sane).then(last_price / price),
        price_if_free=pl.when(price == 0).then(price),
    ).drop("at", "last_price", "known_price")


def _known_median(before: pl.DataFrame) -> pl.DataFrame:
    """unique_id, known_price: the median of a series' known prices."""
    return before.group_by("unique_id").agg(known_price=pl.col("last_price").median())


def _with_overlap(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Adds the days a period shares with a known one, else with an earlier one of this file that
    shares none.

    The period a row restates (same series, same first day) does not count, and neither do rows
    refused anyway: whoever another rule refuses, or shares days himself, restates nothing, so what
    he would have restated counts again.
    """
    others = [
        rule.broken.fill_null(False) & (pl.lit(rule.severity == "row") | pl.col("promo").is_null())
        for rule in price_rules(context.ingest)
        if rule.severity in ("row", "value") and rule.column != "overlap_days"
    ]
    sane = ~pl.any_horizontal(others)
    mine = (
        rows.with_row_index("at").filter(sane).select("at", *PRICES.key, "to_ds").sort(PRICES.key)
    )
    overlaps = [mine.select("at", overlap_days=pl.lit(None, pl.Int64)).clear()]
    while (shared := _shared(mine, context.prices)).height:
        overlaps.append(shared)
        mine = mine.join(shared, on="at", how="anti", maintain_order="left")
    return (
        rows.with_row_index("at")
        .join(pl.concat(overlaps), on="at", how="left", maintain_order="left")
        .drop("at")
    )


def _shared(mine: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """at, overlap_days: the periods that share days with a known one, or with an earlier one that
    itself shares none with those.
    """
    with_known = _shared_with_known(mine, prices).filter(pl.col("overlap_days") > 0)
    alone = mine.join(with_known, on="at", how="anti", maintain_order="left")
    until = pl.col("to_ds").cum_max().shift(1).over("unique_id")
    with_mine = alone.select("at", overlap_days=(until - pl.col("from_ds")).dt.total_days() + 1)
    return pl.concat([with_known, with_mine.filter(pl.col("overlap_days") > 0)])


def _shared_with_known(mine: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Per period the days it shares with the known periods around it; zero or less: none."""
    known = prices.join(mine, on=PRICES.key, how="anti").select(
        pl.lit(None, mine.schema["at"]).alias("at"), *PRICES.key, "to_ds"
    )
    is_known = pl.col("at").is_null()
    before = pl.when(is_known).then("to_ds").cum_max().forward_fill().shift(1).over("unique_id")
    after = pl.when(is_known).then("from_ds").shift(-1).backward_fill().over("unique_id")
    shared = [
        (before - pl.col("from_ds")).dt.total_days() + 1,
        (pl.col("to_ds") - after).dt.total_days() + 1,
    ]
    periods = pl.concat([mine, known]).sort(PRICES.key)
    return periods.select("at", overlap_days=pl.max_horizontal(shared)).filter(
        pl.col("at").is_not_null()
    )


PRICES_SUITE = Suite("prices", _measured, price_rules)
