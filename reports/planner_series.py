"""Every series of the planner's page as small script files: history with last year beside it, the
forecast as it is final, price, promotions, overrides.

Scripts, not JSON: a page opened from a disk may load scripts that lie beside it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from contract.days import YEAR
from contract.names import labels
from reports.html import JsonObject, script_json
from reports.picks import FAN_COLUMNS
from reports.planner_input import PlannerPage

PER_FILE = 200
AT_ONCE = 25 * PER_FILE  # series whose days are dense at a time; bounds memory
DIGITS = 4  # significant


def planner_series_files(page: PlannerPage, history: int) -> Iterator[tuple[str, str]]:
    """(name, text) of each file: index.js, then the series from k * PER_FILE on."""
    ids = page.known.final["unique_id"].unique().sort()
    yield "index.js", f"tillcast.index({script_json(_index(page, ids, history))});\n"
    for begin in range(0, len(ids), AT_ONCE):
        rows = _rows(page, ids.slice(begin, AT_ONCE), history)
        for first in range(0, rows.height, PER_FILE):
            chunk = [_values(row) for row in rows.slice(first, PER_FILE).to_dicts()]
            k = (begin + first) // PER_FILE
            yield f"{k:04d}.js", f"tillcast.got({k},{script_json(chunk)});\n"


def _index(page: PlannerPage, ids: pl.Series, history: int) -> JsonObject:
    """Ids in the order of the files, what they are called, where they stand, and what all share."""
    called, known = labels(page.names), page.known
    events = page.calendar.group_by("ds").agg(
        pl.col("event").str.split("|").list.explode().unique().sort().str.join(", ")
    )
    first = known.origin - timedelta(days=history - 1)
    return {
        "ids": ids.to_list(),
        "labels": [called.get(one) for one in ids] if called else [],
        "per_file": PER_FILE,
        "first": str(first),
        "history": history,
        "events": {str(day): names for day, names in events.sort("ds").rows()},
        "causes": page.causes,
        "overrides": {
            row["override_id"]: f"{row['made_by']}: {row['reason']}"
            for row in page.overrides.select("override_id", "made_by", "reason").to_dicts()
        },
        "unit": page.unit,
    }


def _rows(page: PlannerPage, ids: pl.Series, history: int) -> pl.DataFrame:
    """One row a series: y, last (a year before all days shown), the forecast's columns, price,
    promo, exceptions.
    """
    known = page.known
    first = known.origin - timedelta(days=history - 1)
    last_day: date = known.final.select(pl.max("ds")).item()
    final, sales, prices = (_of(ids, frame) for frame in (known.final, known.sales, known.prices))
    parts = [
        _dense(sales, (first, known.origin), 0).rename({"units": "y"}),
        _dense(sales, (first, last_day), YEAR).rename({"units": "last"}),
        _ahead(final),
        _prices(prices, first, last_day),
        _promotions(prices, first, last_day),
        page.exceptions.group_by("unique_id", maintain_order=True).agg("cause", "words"),
    ]
    rows = ids.to_frame("unique_id")
    for part in parts:
        rows = rows.join(part, on="unique_id", how="left", maintain_order="left", validate="1:1")
    return rows


def _of(ids: pl.Series, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.join(ids.to_frame("unique_id"), on="unique_id", how="semi", maintain_order="left")


def _dense(sales: pl.DataFrame, span: tuple[date, date], back: int) -> pl.DataFrame:
    """unique_id, units: those of each day of a span, `back` days before it; null where no row says.

    A series without any has no row.
    """
    first, last = span
    days = pl.DataFrame({"ds": pl.date_range(first, last, eager=True)})
    shifted = sales.select("unique_id", pl.col("ds").dt.offset_by(f"{back}d"), units="y")
    within = shifted.filter(pl.col("ds").is_between(first, last))
    some = within.select(pl.col("unique_id").unique().sort())
    dense = some.join(days, how="cross", maintain_order="left_right").join(
        within, on=["unique_id", "ds"], how="left", maintain_order="left"
    )
    return dense.group_by("unique_id", maintain_order=True).agg(
        pl.col("units").round_sig_figs(DIGITS)
    )


def _ahead(final: pl.DataFrame) -> pl.DataFrame:
    """The final means and quantiles; `model` and `overrides` (ids) where a person changed any."""
    short = final.sort("unique_id", "ds").with_columns(
        pl.col(*FAN_COLUMNS, "model").round_sig_figs(DIGITS)
    )
    is_said = pl.col("override_id").is_not_null().any()
    return short.group_by("unique_id", maintain_order=True).agg(
        *(pl.col(name) for name in FAN_COLUMNS),
        pl.when(is_said).then(pl.col("model").implode()).alias("model"),
        pl.col("override_id").drop_nulls().unique().sort().alias("overrides"),
        pl.col("reason").drop_nulls().first(),
    )


def _prices(prices: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """unique_id, prices: [day counted from the first shown, price] at each change, the one in force
    on the first day at 0.
    """
    known = prices.filter(pl.col("price").is_not_null(), pl.col("from_ds") <= last)
    day = (pl.col("from_ds") - first).dt.total_days().clip(lower_bound=0)
    each = known.sort("unique_id", "from_ds").select("unique_id", day=day, price="price")
    latest = each.unique(["unique_id", "day"], keep="last", maintain_order=True)
    changed = latest.filter(
        (pl.col("price") != pl.col("price").shift().over("unique_id")).fill_null(True)
    )
    pair = pl.concat_list(pl.col("day").cast(pl.Float64), "price")
    return changed.group_by("unique_id", maintain_order=True).agg(prices=pair)


def _promotions(prices: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """unique_id, promos: [first day, last day] of each promotion, counted from the first shown."""
    shown = prices.filter(
        pl.col("promo") > 0, pl.col("to_ds") >= first, pl.col("from_ds") <= last
    ).sort("unique_id", "from_ds")
    ends = [
        (pl.col(name).clip(first, last) - first).dt.total_days() for name in ("from_ds", "to_ds")
    ]
    return shown.group_by("unique_id", maintain_order=True).agg(promos=pl.concat_list(ends))


def _values(row: JsonObject) -> JsonObject:
    return {
        name: _short(value)
        for name, value in row.items()
        if name != "unique_id" and value not in (None, [])
    }


def _short(value: object) -> object:
    """Whole numbers without their point: half the bytes of a history."""
    if isinstance(value, list):
        return [_short(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
