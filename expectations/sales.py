"""What a row of sales must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import SALES
from contract.params import IngestParams
from expectations.every_fact import (
    WAY_OUT,
    columns_there,
    not_learned_ahead,
    not_too_old,
    readable_name,
    stated_once,
)
from expectations.far_days import days_apart
from expectations.measures import (
    control_characters,
    days_ahead,
    days_learned_ahead,
    days_since,
    is_unknown,
    name_length,
    with_copies,
    with_known_as,
)
from expectations.own_past import own_rank
from expectations.part_of_day import share_of_day, unlike_known
from expectations.repeats import with_repeats
from expectations.rule import Rule, Severity, present, within
from expectations.suite import Context, Suite
from expectations.usual import unlike_the_weekday

# share of a known day's rows; no more than these are latecomers, not the day again
LEAST_OF_A_DAY = 0.5
# of the rules by which a day is taken whole or not at all
WHOLE_DAY_CODES = (
    "day_incomplete",
    "day_overfull",
    "day_flooded",
    "day_all_zero",
    "units_of_another_size",
    "items_mixed_up",
)
# known series; of fewer, a shop is being set up and any number may come
LEAST_KNOWN = 30
# fewer rows, or fewer than half as many as known series, may well be new ones alone
LEAST_ROWS = 5
_OWN_FILES = "Where stores send files of their own, set ingest.whole_days: false."


def sales_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    return [
        columns_there(),
        *_of_series_and_day(ingest),
        *_of_units(ingest),
        *_of_whole_days(ingest),
        *_notes(ingest),
    ]


def _of_series_and_day(ingest: IngestParams) -> list[Rule]:
    stranger = "The series is not in the assortment (ingest.allow_new_series)."
    not_ended = "Nobody knows the sales of a day that has not ended."
    apart = (
        "A few days further from all others than ingest.most_gap_days are a typing error; one row "
        "would make the panel years longer."
    )
    spelt = (
        "A known series sold until now under a name that differs in capitals, blanks, leading "
        "zeros or how Unicode writes a letter alone, and has no row on this day: it is unknown, "
        "not zero. Export the ids in one way, or have it taken as a new series "
        "(--accept-unusual)."
    )
    several = "Two rows of this file say different things of one series and day."
    repeated = "The same row stands in this file already; units must not count twice."
    return [
        present("unique_id", "series_missing", "Sales of nobody can be ordered for nobody."),
        *readable_name("unique_id", "series", "A series' name"),
        within("is_unknown", "unknown_series", stranger, at_most=0),
        within("spelt_otherwise", "spelt_otherwise", spelt, at_most=0)
        .on_arrival()
        .with_severity("row" if ingest.refuse_unusual else "note"),
        present("ds", "day_missing", "Sales of no day belong to no week."),
        not_too_old(),
        within("days_apart", "day_far_apart", apart, at_most=ingest.most_gap_days).on_arrival(),
        not_learned_ahead(),
        within("days_ahead", "day_in_future", not_ended, at_most=0),
        *stated_once(several, repeated),
    ]


def _of_units(ingest: IngestParams) -> list[Rule]:
    nothing = "A row without units says nothing; nothing sold is 0."
    returns = "Returns are not demand; report them apart."
    too_many = "More units than ingest.max_y in a day is a typing error."
    share = "The share of the day without stock lies from 0 to 1."
    few_lines = (
        "A few lines of a day that is known: summed up they would replace it. "
        "Send all lines of that day."
    )
    largest = float_info.max
    return [
        # a panel holds days without units: those whose only row was refused
        # (storage.quarantine.stage_refused_days)
        present("y", "units_missing", nothing).on_arrival(),
        within("y", "units_not_finite", "Units are a number.", at_least=-largest, at_most=largest),
        within("y", "units_negative", returns, at_least=0),
        within("y", "units_absurd", too_many, at_most=ingest.max_y),
        within("stockout_share", "stockout_share_outside", share, at_least=0, at_most=1),
        within(
            "share_of_day", "lines_of_a_known_day", few_lines, above=LEAST_OF_A_DAY
        ).on_arrival(),
    ]


def _of_whole_days(ingest: IngestParams) -> list[Rule]:
    """Rules that every row of a day (or of a feed's day) breaks together, so that it is taken whole
    or not at all.
    """
    severity: Severity = "row" if ingest.refuse_unusual else "note"
    way_out = WAY_OUT if ingest.refuse_unusual else ""
    own_files = f" {_OWN_FILES}" if way_out and ingest.whole_days else ""
    half = (
        "So few rows against the same weekday's (ingest.min_rows_share) are half a file; "
        "absent rows would pass for zeros."
    )
    several_times = (
        "So many rows against the same weekday's (ingest.max_rows_share) are several files in one, "
        "or rows nobody sold."
    )
    flood = (
        "So many units of a group against the same weekday's (ingest.max_volume_ratio) are no "
        "sales of a day."
    )
    strangers = (
        "So many series never seen against those that are known (ingest.max_new_series) are the "
        "items of another shop, or ids written another way."
    )
    zeros = (
        "So few units against the same weekday's (ingest.min_sold_share) are an export of zeros; "
        "if the stores were closed, say so in the calendar."
    )
    size = (
        "Units per selling row this far from the same weekday's (ingest.max_size_jump) are another "
        "unit: cases for pieces."
    )
    mixed = (
        "The items do not sell in the order of the weeks before (ingest.min_own_rank): units "
        "sorted by themselves, or of other items."
    )
    copied = (
        "Nearly all that sold repeats an earlier day (ingest.most_copied): a feed that froze, or "
        "another day's file. Two days of sales are never the same."
    )
    other_till = (
        "Lines of a day that is known, most of it with other sums (ingest.most_restated): another "
        "till's, which would replace the first one's. Send the files of one day together."
    )
    renamed = (
        "Not one row is of a known series: the ids are written another way (1001.0 for 1001?), or "
        "the file is another shop's. If all are new, set ingest.refuse_all_new: false."
    )
    all_new = within("known_share", "series_all_new", renamed, above=0).on_arrival(way_out)
    incomplete = within("rows_share", "day_incomplete", half, at_least=ingest.min_rows_share)
    mostly_new = within(
        "series_growth", "series_mostly_new", strangers, at_most=ingest.max_new_series
    ).on_arrival(way_out)
    others = [
        within("rows_share_above", "day_overfull", several_times, at_most=ingest.max_rows_share),
        within("sold_share", "day_all_zero", zeros, at_least=ingest.min_sold_share),
        within("size_jump", "units_of_another_size", size, at_most=ingest.max_size_jump),
        within("own_rank", "items_mixed_up", mixed, at_least=ingest.min_own_rank),
        within("copied_share", "day_copied", copied, at_most=ingest.most_copied),
        within("unlike_known", "lines_of_another_till", other_till, at_most=ingest.most_restated),
        within("volume_ratio", "day_flooded", flood, at_most=ingest.max_volume_ratio),
    ]
    rules = [
        incomplete.on_arrival(way_out + own_files),
        *(rule.on_arrival(way_out) for rule in others),
    ]
    of_new: Severity = severity if ingest.refuse_all_new else "note"
    return [
        all_new.with_severity(of_new),
        mostly_new.with_severity(of_new),
        *(rule.with_severity(severity) for rule in rules),
    ]


def _notes(ingest: IngestParams) -> list[Rule]:
    """What is kept and only noted."""
    closed = "A closed store sells nothing: is the day or the flag wrong?"
    part = "Fewer or more rows than on that weekday: is a part of the file missing?"
    volume = "A group sold far more or less than on that weekday."
    zeros = "Far more or fewer zeros than on that weekday: are zeros missing rows?"
    restated = (
        "Most of what was known of that day is changed: a wrong date, or another day's units? "
        "If so, send that day's right file again, its rows in another order."
    )
    repeats = "A part of the day repeats an earlier one: did a store or department stand still?"
    new = "Many rows are of series never seen: were the items' numbers changed?"
    rows, gap, times = ingest.rows_band, ingest.zero_share_band, ingest.volume_band
    rules = [
        within("y_while_closed", "sold_while_closed", closed, at_most=0),
        within("rows_share", "rows_unusual", part, at_least=1 - rows, at_most=1 + rows),
        within("volume_ratio", "volume_unusual", volume, at_least=1 / times, at_most=times),
        within("zero_share_gap", "zeros_unusual", zeros, at_least=-gap, at_most=gap),
        within(
            "restated_share", "day_restated", restated, at_most=ingest.most_restated
        ).on_arrival(),
        within("repeats_gap", "rows_repeated", repeats, at_most=ingest.repeats_band).on_arrival(),
        within("new_share", "series_unusual", new, at_most=ingest.most_new).on_arrival(),
    ]
    return [rule.with_severity("note") for rule in rules]


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = with_copies(rows, SALES.key, ["y", "is_open", "stockout_share"])
    rows = with_known_as(rows, context.known_series, context.recent_sales)
    known = None if context.ingest.allow_new_series else context.known_series
    rows = rows.with_columns(
        name_length("unique_id"),
        control_characters("unique_id"),
        days_ahead("ds", context.received_day),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
        is_unknown(known),
    )
    rows = rows.join(unlike_the_weekday(rows, context), on="ds", how="left", maintain_order="left")
    rows = rows.join(own_rank(rows, context), on="ds", how="left", maintain_order="left")
    rows = rows.join(context.restated, on="ds", how="left", maintain_order="left").with_columns(
        unlike_known(context),
        new_share=_new_share(context),
        series_growth=_series_growth(rows, context),
    )
    rows = _with_days_apart(rows, context)
    if rows.height >= max(LEAST_ROWS, LEAST_OF_A_DAY * _known_series(context)):
        rows = rows.with_columns(known_share=1 - pl.col("new_share"))
    else:
        rows = rows.with_columns(known_share=pl.lit(None, pl.Float64))
    rows = rows.join(share_of_day(context), on=SALES.key, how="left", maintain_order="left")
    return _with_y_while_closed(with_repeats(rows, context), context)


def _with_days_apart(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    apart = days_apart(rows, context)
    if apart.is_empty():  # nearly always
        return rows.with_columns(days_apart=pl.lit(None, pl.Int64))
    return rows.join(apart, on="ds", how="left", maintain_order="left")


def _known_series(context: Context) -> int:
    return 0 if context.known_series is None else context.known_series.len()


def _new_share(context: Context) -> pl.Expr:
    """The share of the batch's rows of series never seen; null on a first load, and where stores
    send files of their own.
    """
    known = context.known_series
    if known is None or known.is_empty() or not context.ingest.whole_days:
        return pl.lit(None, pl.Float64)
    return (~pl.col("unique_id").is_in(known.implode())).mean()


def _series_growth(rows: pl.DataFrame, context: Context) -> pl.Expr:
    """How many series never seen the batch brings, as a share of those that are known; null while
    few are.
    """
    known = context.known_series
    if known is None or known.len() < LEAST_KNOWN:
        return pl.lit(None, pl.Float64)
    brought = rows["unique_id"].drop_nulls().unique()
    return pl.lit((~brought.is_in(known.implode())).sum() / known.len())


def _with_y_while_closed(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    closed = context.calendar.filter(pl.col("is_closed")).select("region", "ds").unique()
    everywhere = closed.filter(pl.col("region") == "*")["ds"]
    is_closed = pl.col("is_open").not_().fill_null(False) | pl.col("ds").is_in(everywhere.implode())
    if context.regions is not None:
        rows = rows.join(context.regions, on="unique_id", how="left", maintain_order="left")
        marked = closed.with_columns(is_region_closed=True)
        rows = rows.join(marked, on=["region", "ds"], how="left", maintain_order="left")
        is_closed |= pl.col("is_region_closed").fill_null(False)
    return rows.with_columns(pl.when(is_closed).then("y").alias("y_while_closed"))


SALES_SUITE = Suite("sales", _measured, sales_rules)
