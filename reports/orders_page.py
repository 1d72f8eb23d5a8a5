"""The planner's page of a day's orders: what runs out, what to order, what could not be said."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from contract.names import labels
from ordering.lines import REASONS
from reports.html import JsonObject, render_template
from reports.spreadsheets import spreadsheet_safe, write_workbook
from runtime.disk import write_whole, written_whole

PAGE, SHEETS = "orders.html", "orders"
LIKELY_OUT = 0.1  # probability of running out before the delivery from which a line is worth a call
MOST_SHOWN = 200  # lines of a table; all stand in the files


def write_orders_page(
    orders: pl.DataFrame, series: pl.DataFrame, names: pl.DataFrame, reports: Path
) -> Path:
    """orders.html, .csv and .xlsx in the folder of reports, from a day's ORDERS.

    The workbook holds the lines to act on, the CSV all: of 30,490 lines a sheet takes seconds.

    `series` (SERIES) gives the hierarchy beside each line, `names` what to call it.
    """
    called = labels(names)
    lines = orders.join(series, on="unique_id", how="left", maintain_order="left").with_columns(
        name=pl.col("unique_id").replace_strict(called, default=None, return_dtype=pl.String)
    )
    page = reports / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    write_whole(page, render_orders(lines, [c for c in series.columns if c != "unique_id"]))
    sheet = lines.drop("created_at")
    write_whole(reports / f"{SHEETS}.csv", spreadsheet_safe(sheet).write_csv())
    with written_whole(reports / f"{SHEETS}.xlsx") as unfinished:
        write_workbook(sheet.filter(_to_act_on()), unfinished, SHEETS)
    return page


def render_orders(lines: pl.DataFrame, hierarchy: list[str]) -> str:
    """The page as one HTML text. `lines`: ORDERS of one day, with `name` and the hierarchy."""
    proposed = lines.filter(pl.col("units") > 0)
    worth = pl.coalesce("money", "units")
    running_out = lines.filter(pl.col("p_out_before") >= LIKELY_OUT).sort(
        pl.col("p_out_before") * pl.col("demand"), "unique_id", descending=[True, False]
    )
    unsaid = lines.filter(pl.col("reason").is_not_null())
    place = next((name for name in ("store_id", *hierarchy) if name in hierarchy), None)
    return render_template(
        "orders.html",
        day=lines["order_day"][0] if lines.height else None,
        counts={"lines": lines.height, "proposed": proposed.height, "out": running_out.height},
        units=proposed["units"].sum(),
        money=proposed["money"].sum() if proposed["money"].count() else None,
        running_out=running_out.head(MOST_SHOWN).to_dicts(),
        to_order=proposed.sort(worth, "unique_id", descending=[True, False])
        .head(MOST_SHOWN)
        .to_dicts(),
        places=_by_place(proposed, place),
        place=place,
        unsaid=_unsaid(unsaid),
        most=MOST_SHOWN,
        likely=LIKELY_OUT,
    )


def _to_act_on() -> pl.Expr:
    """Ordered, likely to run out, or without a proposal."""
    is_ordered, is_out = pl.col("units") > 0, pl.col("p_out_before") >= LIKELY_OUT
    return is_ordered.fill_null(False) | is_out.fill_null(False) | pl.col("reason").is_not_null()


def _by_place(proposed: pl.DataFrame, place: str | None) -> list[JsonObject]:
    if place is None or proposed.is_empty():
        return []
    sums = proposed.group_by(pl.col(place).alias("place")).agg(
        pl.len().alias("lines"), pl.col("units").sum(), pl.col("money").sum()
    )
    return sums.sort("units", "place", descending=[True, False]).to_dicts()


def _unsaid(lines: pl.DataFrame) -> list[JsonObject]:
    counted = lines.group_by("reason").agg(pl.len().alias("lines"), pl.col("unique_id").head(5))
    return [{**row, "words": REASONS[row["reason"]]} for row in counted.sort("reason").to_dicts()]
