"""What a row of sales must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import SALES
from contract.params import IngestParams
from expectations.measures import control_characters, days_ahead, days_since, name_length, with_copies
from expectations.rule import Rule, present, within
from expectations.suite import Context, Suite

WEEKS_COMPARED = 8
FEWEST_WEEKS = 3


def sales_rules(ingest: IngestParams) -> list[Rule]:
    """The rules, in the order in which a row is blamed."""
    return [
        within("columns_missing", "columns_missing", "A required column is not there: another file, or another mapping.",
               at_most=0, severity="batch"),
        present("unique_id", "series_missing", "Sales of nobody can be ordered for nobody."),
        within("unique_id_length", "series_name_absurd", "A series' name has 1 to 200 characters.",
               at_least=1, at_most=200),
        within("unique_id_unseen", "series_name_unseen", "A name with line ends or tabs is a shifted column.", at_most=0),
        within("is_unknown", "unknown_series", "The series is not in the assortment (ingest.allow_new_series).", at_most=0),
        present("ds", "day_missing", "Sales of no day belong to no week."),
        within("days_since_oldest", "day_too_old", "A day before ingest.oldest_day is a typing error.", at_least=0),
        within("days_ahead", "day_in_future", "Nobody knows the sales of a day that has not ended.", at_most=0),
        within("versions", "contradicting_rows", "Two rows of this file say different things of one series and day.",
               at_most=1),
        within("copy", "repeated_row", "The same row stands in this file already; units must not count twice.", at_most=0),
        present("y", "units_missing", "A row without units says nothing; nothing sold is 0."),
        within("y", "units_not_finite", "Units are a number.", at_least=-float_info.max, at_most=float_info.max),
        within("y", "units_negative", "Returns are not demand; report them apart.", at_least=0),
        within("y", "units_absurd", "More units than ingest.max_y in a day is a typing error.", at_most=ingest.max_y),
        within("stockout_share", "stockout_share_outside", "The share of the day without stock lies from 0 to 1.",
               at_least=0, at_most=1),
        within("y_while_closed", "sold_while_closed", "A closed store sells nothing: is the day or the flag wrong?",
               at_most=0, severity="note"),
        within("volume_ratio", "volume_unusual", "Far from the same weekday of recent weeks: is half of the file missing?",
               at_least=1 / ingest.volume_band, at_most=ingest.volume_band, severity="note"),
        within("zero_share_gap", "zeros_unusual", "Far more or fewer zeros than on that weekday: are zeros missing rows?",
               at_least=-ingest.zero_share_band, at_most=ingest.zero_share_band, severity="note"),
    ]  # fmt: skip


def _measured(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = with_copies(rows, SALES.key, ["y", "is_open", "stockout_share"])
    is_open = context.ingest.allow_new_series or context.known_series is None or context.known_series.is_empty()
    unknown = pl.lit(0) if is_open else ~pl.col("unique_id").is_in(context.known_series.implode())
    rows = rows.with_columns(
        name_length("unique_id"),
        control_characters("unique_id"),
        days_ahead("ds", context.received_day),
        days_since("ds", context.ingest.oldest_day),
        unknown.cast(pl.Int64).alias("is_unknown"),
    )
    rows = rows.join(_unlike_the_weekday(rows, context), on="ds", how="left", maintain_order="left")
    return _with_y_while_closed(rows, context)


def _unlike_the_weekday(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Per day of the batch: its volume and share of zeros against the median of that weekday in the weeks before.

    A day the store holds already is being restated, not reported: the batch's part of it is compared with nothing. Neither
    is a closed day or a closed store.
    """
    closed = context.calendar.filter(pl.col("is_closed"), pl.col("region") == "*")
    fresh = (
        rows.lazy()
        .filter(pl.col("ds").is_not_null(), pl.col("is_open").fill_null(True))
        .group_by("ds")
        .agg(volume=pl.col("y").sum(), zero_share=(pl.col("y") == 0).mean())
        .collect()
        .join(context.daily, on="ds", how="anti")
        .join(closed, on="ds", how="anti")
    )
    days = (
        pl.concat([context.daily.join(closed, on="ds", how="anti"), fresh])
        .sort("ds")
        .with_columns(weekday=pl.col("ds").dt.weekday())
    )
    usual = pl.col("volume", "zero_share").shift(1).rolling_median(WEEKS_COMPARED, min_samples=FEWEST_WEEKS)
    compared = days.with_columns(usual.over("weekday", order_by="ds").name.prefix("usual_"))
    has_usual = pl.col("usual_volume") > 0
    return fresh.select("ds").join(
        compared.select(
            "ds",
            volume_ratio=pl.when(has_usual).then(pl.col("volume") / pl.col("usual_volume")),
            zero_share_gap=pl.when(has_usual).then(pl.col("zero_share") - pl.col("usual_zero_share")),
        ),
        on="ds",
        how="left",
    )


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
