"""The planner's page of today: what will sell, what to look at first, any series; offline, from the
folder it lies in.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from contract.names import labels, labels_of_level
from reports import charts
from reports.ahead import KINDS, cube, shown_levels, weeks_by_series
from reports.html import JsonObject, render_template, script_json, vega
from reports.orders_page import LIKELY_OUT
from reports.orders_page import PAGE as ORDERS_PAGE
from reports.planner_input import HISTORY_DAYS, PlannerPage
from reports.planner_series import planner_series_files
from reports.spreadsheets import spreadsheet_safe, write_workbook
from runtime.disk import flush_to_disk, write_whole, written_whole

PAGE, FOLDER, SHEETS = "planner.html", "planner", "planner"
MOST_EXCEPTIONS = 60  # lines on the page; more are in the files
MOST_OVERRIDES = 40
MOST_ORDERS = 8
DIGITS = 6  # significant, of a sum on the page


def write_planner_page(page: PlannerPage, reports: Path) -> Path:
    """planner.html and planner.xlsx, .csv in the folder of reports, and in `planner/` what is
    loaded when it is first used: the charts' script, and every series.
    """
    folder, new = reports / FOLDER, reports / f".{FOLDER}.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    (new / "vega.js").write_text(vega(), encoding="utf-8")
    for name, text in planner_series_files(page, HISTORY_DAYS):
        (new / name).write_text(text, encoding="utf-8")
    _put_in_place(new, folder)
    target = reports / PAGE
    write_whole(target, render_planner(page, has_orders=(reports / ORDERS_PAGE).exists()))
    sheet = _sheet(page)
    write_whole(reports / f"{SHEETS}.csv", spreadsheet_safe(sheet).write_csv())
    with written_whole(reports / f"{SHEETS}.xlsx") as unfinished:
        write_workbook(sheet, unfinished, SHEETS)
    return target


def _put_in_place(new: Path, folder: Path) -> None:
    """The folder as it is now made, on the disk before it has its name. Killed between the two
    names, the next morning makes it again; the page itself shows its tables without it.
    """
    for path in (*new.iterdir(), new):
        flush_to_disk(path)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    flush_to_disk(folder.parent)


def render_planner(page: PlannerPage, *, has_orders: bool) -> str:
    """The page as one HTML text; no clock in it."""
    known, levels = page.known, shown_levels(page.known.series)
    called = labels(page.names)
    shown = page.exceptions.head(MOST_EXCEPTIONS).to_dicts()
    spans = known.spans
    return render_template(
        "planner.html",
        page=page,
        known=known,
        spans=spans,
        total=cube(page.sums, []).row(0, named=True),
        crossed=script_json(_crossed(page, levels)),
        levels=levels,
        has_money=page.has_money,
        has_orders=has_orders,
        exceptions=shown,
        called=called,
        orders=_orders(page),
        overrides=page.overrides.head(MOST_OVERRIDES).to_dicts(),
        more_overrides=max(page.overrides.height - MOST_OVERRIDES, 0),
        value_added=page.value_added,
        chart=script_json(charts.series_of_planner(page.unit)),
        days=_days(spans),
    )


def _days(spans: list[int]) -> dict[int, str]:
    return {days: f"{days} days" for days in spans}


def _crossed(page: PlannerPage, levels: list[str]) -> JsonObject:
    """What the table of any two levels is made of, as columns; numbers short."""
    combos = cube(page.sums, levels)
    keys = levels or ["total"]
    weeks = weeks_by_series(page.known).join(page.known.series, on="unique_id")
    if not levels:
        weeks = weeks.with_columns(total=pl.lit("total"))
    by_week = (
        weeks.group_by(*keys, "week")
        .agg(pl.col("units").sum())
        .sort("week")
        .pivot("week", index=keys, values="units")
    )
    numbers = [
        name
        for name in combos.columns
        if name.split("_")[1] in (*KINDS, "overlap") and name.startswith(("units_", "money_"))
    ]
    rows = combos.select(*keys, *numbers).join(by_week, on=keys, how="left", maintain_order="left")
    week_columns = [name for name in by_week.columns if name not in keys]
    short = rows.with_columns(pl.col(*numbers, *week_columns).round_sig_figs(DIGITS))
    names = {level: labels_of_level(page.names, page.known.series, level) for level in levels}
    return {
        "keys": keys,
        "rows": short.select(keys).rows(),
        "numbers": {name: short[name].to_list() for name in numbers},
        "weeks": {name: short[name].to_list() for name in week_columns},
        "names": {level: found for level, found in names.items() if found},
        "spans": page.known.spans,
        "unit": page.unit,
        "has_money": page.has_money,
    }


def _orders(page: PlannerPage) -> JsonObject:
    """What runs out and what to order, the most first."""
    lines = page.orders
    out = lines.filter(pl.col("p_out_before") >= LIKELY_OUT)
    wanted = lines.filter(pl.col("units") > 0)
    worth = pl.coalesce("money", "units")
    return {
        "day": lines["order_day"].max(),
        "lines": lines.height,
        "out": out.height,
        "wanted": wanted.height,
        "units": wanted["units"].sum(),
        "money": wanted["money"].sum() if wanted["money"].count() else None,
        "running_out": _most(out, pl.col("p_out_before") * pl.col("demand")),
        "to_order": _most(wanted, worth),
    }


def _most(lines: pl.DataFrame, by: pl.Expr) -> list[JsonObject]:
    return lines.sort(by, "unique_id", descending=[True, False]).head(MOST_ORDERS).to_dicts()


def _sheet(page: PlannerPage) -> pl.DataFrame:
    """The exceptions with where each series stands and what it is called, for a spreadsheet."""
    called = labels(page.names)
    placed = page.exceptions.join(page.known.series, on="unique_id", how="left")
    return placed.select(
        pl.col("unique_id"),
        pl.col("unique_id")
        .replace_strict(called, default=None, return_dtype=pl.String)
        .alias("name"),
        *(name for name in page.known.series.columns if name != "unique_id"),
        pl.col("cause").replace_strict(page.causes).alias("cause"),
        "units",
        "money",
        "words",
    )
