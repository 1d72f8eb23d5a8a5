"""Faults of what the forecaster is given: feeds late, lost, frozen, in another unit; plans gone or
absurd; histories short.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from contract.feeds import FEED_COLUMN
from contract.panel import Panel
from drills.faults import PanelFault, Rng
from drills.scenario import RENAMED

DAY = pl.duration(days=1)


def no_prices(panel: Panel, _strength: int, _rng: Rng) -> Panel:
    """The price modality removed."""
    return replace(panel, prices=panel.prices.with_columns(price=pl.lit(None, pl.Float64)))


def no_promotions(panel: Panel, _strength: int, _rng: Rng) -> Panel:
    """The promotion modality removed."""
    return replace(panel, prices=panel.prices.with_columns(promo=pl.lit(None, pl.Float64)))


def no_calendar(panel: Panel, _strength: int, _rng: Rng) -> Panel:
    """The calendar modality removed: no events, no closed days."""
    return replace(panel, calendar=panel.calendar.clear())


def closed_ahead(panel: Panel, days: int, _rng: Rng) -> Panel:
    """Somebody ticked "closed" for all stores on the coming days."""
    coming = _after(panel, days)
    kept = panel.calendar.filter(~pl.col("ds").is_in(coming))
    shut = pl.DataFrame({"ds": coming}).with_columns(
        region=pl.lit("*"), known_at=pl.lit(panel.sales["known_at"].max()), is_closed=pl.lit(True)
    )
    calendar = pl.concat([kept, shut.cast({"known_at": kept.schema["known_at"]})], how="diagonal")
    return replace(panel, calendar=calendar.sort("region", "ds"))


def prices_in_cents(panel: Panel, days: int, _rng: Rng) -> Panel:
    """From so many days before the origin on, each price is a hundred times itself."""
    wrong = pl.col("from_ds") > panel.last_day - timedelta(days=days)
    return replace(
        panel,
        prices=panel.prices.with_columns(
            pl.when(wrong).then(pl.col("price") * 100).otherwise("price")
        ),
    )


def late_feeds(panel: Panel, days: int, _rng: Rng) -> Panel:
    """All sales arrive some days late."""
    return panel.up_to(panel.last_day - timedelta(days=days))


def short_history(panel: Panel, days: int, _rng: Rng) -> Panel:
    """Only the last days of every series are left."""
    return replace(panel, sales=panel.sales.filter(_late(panel, days)))


def lost_feed(panel: Panel, days: int, rng: Rng) -> Panel:
    """One store's feed is missing on the last days, and nobody says so."""
    return replace(
        panel,
        sales=panel.sales.filter(~(_of(_members(panel, FEED_COLUMN, rng)) & _late(panel, days))),
    )


def wrong_unit(panel: Panel, days: int, rng: Rng) -> Panel:
    """One department reports grams for kilograms on the last days: units times a thousand."""
    return _with_y(
        panel, _of(_members(panel, "dept_id", rng)) & _late(panel, days), pl.col("y") * 1000
    )


def sign_flips(panel: Panel, days: int, rng: Rng) -> Panel:
    """One department's sales are booked as returns."""
    return _with_y(panel, _of(_members(panel, "dept_id", rng)) & _late(panel, days), -pl.col("y"))


def all_zeros(panel: Panel, days: int, _rng: Rng) -> Panel:
    """The export has all rows and no sale: every one is 0."""
    return _with_y(panel, _late(panel, days), pl.lit(0.0))


def zeros_of_a_store(panel: Panel, days: int, rng: Rng) -> Panel:
    """One store's till sends zeros instead of nothing."""
    return _with_y(panel, _of(_members(panel, FEED_COLUMN, rng)) & _late(panel, days), pl.lit(0.0))


def all_nulls(panel: Panel, days: int, _rng: Rng) -> Panel:
    """The units' column is empty."""
    return _with_y(panel, _late(panel, days), pl.lit(None, pl.Float64))


def duplicated_rows(panel: Panel, days: int, _rng: Rng) -> Panel:
    """The batch was appended to itself: each row stands twice in its file."""
    late = panel.sales.filter(_late(panel, days))
    return replace(panel, sales=pl.concat([panel.sales, late]).sort("unique_id", "ds"))


def unknown_items(panel: Panel, days: int, rng: Rng) -> Panel:
    """Half of the items come under new names from some day on: the till's numbers were changed."""
    hit = pl.col("unique_id").is_in(series_drawn(panel, 0.5, rng).implode())
    name = pl.col("unique_id") + RENAMED
    new_series = panel.series.filter(hit).with_columns(unique_id=name)
    sales = panel.sales.with_columns(
        unique_id=pl.when(hit & _late(panel, days)).then(name).otherwise("unique_id")
    )
    series = pl.concat([panel.series, new_series]).sort("unique_id")
    return replace(panel, sales=sales.sort("unique_id", "ds"), series=series)


def day_shift(panel: Panel, days: int, _rng: Rng) -> Panel:
    """A timezone was changed: what was sold is dated a day later, for so many days."""
    moved = panel.sales.with_columns(
        ds=pl.when(_late(panel, days)).then(pl.col("ds") + DAY).otherwise("ds").cast(pl.Date)
    )
    return replace(
        panel, sales=moved.filter(pl.col("ds") <= panel.last_day).sort("unique_id", "ds")
    )


def restated_month(panel: Panel, percent: int, _rng: Rng) -> Panel:
    """The last 28 days are sent again, so many percent higher (returns no longer deducted, say)."""
    return _with_y(panel, _late(panel, 28), (pl.col("y") * (1 + percent / 100)).round())


def frozen_feed(panel: Panel, days: int, _rng: Rng) -> Panel:
    """The export repeats the last good day under each new date."""
    return frozen_from(panel, _last_good_day(panel, days), panel.series["unique_id"])


def frozen_store(panel: Panel, days: int, rng: Rng) -> Panel:
    """One store's export repeats its last good day, in a file of all stores."""
    return frozen_from(panel, _last_good_day(panel, days), _members(panel, FEED_COLUMN, rng))


def frozen_part(panel: Panel, percent: int, rng: Rng) -> Panel:
    """For a week so many percent of the series repeat their last good day."""
    return frozen_from(panel, _last_good_day(panel, 7), series_drawn(panel, percent / 100, rng))


def recycled_items(panel: Panel, items: int, rng: Rng) -> Panel:
    """For two weeks so many items' numbers belong to other products: level and rhythm are another's
    in every store.
    """
    since = panel.last_day - timedelta(days=14)
    return recycled_from(panel, since, items_drawn(panel, items, rng))


def frozen_from(panel: Panel, good: date, ids: pl.Series) -> Panel:
    """What these series sold on a good day, repeated on every day after it."""
    frozen = panel.sales.filter(_of(ids), ds=good).select(
        "unique_id", frozen="y", was_open="is_open"
    )
    sales = panel.sales.join(frozen, on="unique_id", how="left", maintain_order="left")
    hit = (pl.col("ds") > good) & _of(ids)
    y = pl.when(hit).then(pl.col("frozen").fill_null(0.0)).otherwise("y")
    is_open = pl.when(hit).then("was_open").otherwise("is_open")
    return replace(panel, sales=sales.with_columns(y=y, is_open=is_open).drop("frozen", "was_open"))


def series_drawn(panel: Panel, share: float, rng: Rng) -> pl.Series:
    """The ids of about this share of the series."""
    ids = panel.series["unique_id"]
    return ids.filter(pl.Series(rng.random(len(ids)) < share))


def item_column(panel: Panel) -> str:
    """Which column of the series names the item; of a source without items the series' own."""
    return "item_id" if "item_id" in panel.series.columns else "unique_id"


def items_drawn(panel: Panel, count: int, rng: Rng) -> dict[str, str]:
    """Items, each with another one whose sales it will have."""
    ids = panel.series[item_column(panel)].unique().sort()
    drawn = rng.choice(len(ids), 2 * min(count, len(ids) // 2), replace=False)
    one, other = ids.gather(drawn).to_list(), len(drawn) // 2
    return dict(zip(one[:other], one[other:], strict=True))


def recycled_from(panel: Panel, since: date, other_of: dict[str, str]) -> Panel:
    """After a day these items sell what the others sold on the same days, store by store."""
    column = item_column(panel)
    shop = [FEED_COLUMN] if FEED_COLUMN in panel.series.columns else []
    placed = panel.series.select("unique_id", *dict.fromkeys([column, *shop]))
    ours = placed.filter(pl.col(column).is_in(list(other_of)))
    theirs = placed.select(*shop, pl.col(column).alias("other"), giver="unique_id")
    pairs = ours.with_columns(other=pl.col(column).replace(other_of)).join(
        theirs, on=["other", *shop]
    )
    given = panel.sales.select("ds", giver="unique_id", given="y")
    sales = panel.sales.join(pairs.select("unique_id", "giver"), on="unique_id", how="left")
    sales = sales.join(given, on=["giver", "ds"], how="left")
    is_given = (pl.col("ds") > since) & pl.col("given").is_not_null()
    y = pl.when(is_given).then("given").otherwise("y")
    return replace(
        panel, sales=sales.with_columns(y=y).drop("giver", "given").sort("unique_id", "ds")
    )


def _last_good_day(panel: Panel, days: int) -> date:
    """The newest day, so many days before the end or more, on which the shops were open: a closed
    day that repeats is met by the rule about zeros.
    """
    sold = panel.sales.group_by("ds").agg(pl.col("y").sum()).sort("ds")
    good = sold.filter(
        pl.col("y") >= pl.col("y").median() / 2,
        pl.col("ds") <= panel.last_day - timedelta(days=days),
    )
    newest: date = good["ds"][-1]
    return newest


def swapped_feeds(panel: Panel, days: int, rng: Rng) -> Panel:
    """Two stores' files are taken for each other's: item by item, one has the other's sales."""
    if not {FEED_COLUMN, "item_id"} <= set(panel.series.columns):
        return panel
    one, other = rng.choice(panel.series[FEED_COLUMN].unique().sort().to_list(), 2, replace=False)
    swap = {one: other, other: one}
    placed = panel.series.select("unique_id", FEED_COLUMN, "item_id")
    partner = placed.with_columns(pl.col(FEED_COLUMN).replace(swap)).join(
        placed.rename({"unique_id": "partner"}), on=[FEED_COLUMN, "item_id"], how="inner"
    )
    pairs = partner.filter(pl.col("unique_id") != pl.col("partner")).select("unique_id", "partner")
    theirs = panel.sales.select(partner="unique_id", ds="ds", theirs="y")
    sales = panel.sales.join(pairs, on="unique_id", how="left").join(
        theirs, on=["partner", "ds"], how="left"
    )
    y = pl.when(_late(panel, days) & pl.col("theirs").is_not_null()).then("theirs").otherwise("y")
    return replace(
        panel, sales=sales.with_columns(y=y).drop("partner", "theirs").sort("unique_id", "ds")
    )


def scrambled_units(panel: Panel, days: int, rng: Rng) -> Panel:
    """The units' column was sorted by itself: on the last days each item has another one's sales,
    all totals being right.
    """
    late, early = panel.sales.filter(_late(panel, days)), panel.sales.filter(~_late(panel, days))
    seed = int(rng.integers(1 << 30))
    sales = pl.concat([early, late.with_columns(pl.col("y").shuffle(seed).over("ds"))])
    return replace(panel, sales=sales.sort("unique_id", "ds"))


def typing_errors(panel: Panel, rows: int, rng: Rng) -> Panel:
    """On the last day that sold so many rows say 9,999."""
    day = panel.sales.filter(pl.col("y") > 0)["ds"].max()
    ids = panel.sales.filter(ds=day)["unique_id"]
    hit = ids.gather(rng.choice(len(ids), min(rows, len(ids)), replace=False))
    return _with_y(panel, _of(hit) & (pl.col("ds") == day), pl.lit(9999.0))


PANEL_FAULTS = (
    PanelFault("no_prices", "price modality removed", (1,), no_prices),
    PanelFault("no_promotions", "promotion modality removed", (1,), no_promotions),
    PanelFault("no_calendar", "calendar modality removed", (1,), no_calendar),
    PanelFault("closed_ahead", "all stores closed for n coming days", (1, 28), closed_ahead),
    PanelFault(
        "prices_in_cents",
        "prices x100 from n days before on",
        (1, 28),
        prices_in_cents,
        fact="prices",
    ),
    PanelFault("late_feeds", "sales arrive n days late", (1, 3, 7, 14), late_feeds),
    PanelFault("short_history", "only the last n days are left", (28, 56, 112), short_history),
    PanelFault("lost_feed", "no row of a store for n days", (7, 28), lost_feed),
    PanelFault("wrong_unit", "a department x1000 for n days", (3, 14), wrong_unit, fact="sales"),
    PanelFault("sign_flips", "a department negative for n days", (3, 14), sign_flips, fact="sales"),
    PanelFault("all_zeros", "all units zero for n days", (3, 7), all_zeros, fact="sales"),
    PanelFault(
        "zeros_of_a_store", "a store all zero for n days", (3, 14), zeros_of_a_store, fact="sales"
    ),
    PanelFault("all_nulls", "all units empty for n days", (1, 7), all_nulls, fact="sales"),
    PanelFault(
        "duplicated_rows", "each row twice for n days", (1, 7), duplicated_rows, fact="sales"
    ),
    PanelFault(
        "unknown_items", "half of the items renamed, n days", (7, 28), unknown_items, fact="sales"
    ),
    PanelFault("day_shift", "dated a day later, n days", (7, 28), day_shift, fact="sales"),
    PanelFault(
        "restated_month",
        "28 days restated, n% higher",
        (10, 50),
        restated_month,
        "sales",
        days_judged=28,
        restates=True,
    ),
    PanelFault("frozen_feed", "the same day n days long", (7, 20), frozen_feed, fact="sales"),
    PanelFault(
        "frozen_store", "a store's same day n days long", (3, 20), frozen_store, fact="sales"
    ),
    PanelFault("frozen_part", "n% of series stand still a week", (10, 50), frozen_part, "sales", 7),
    PanelFault("recycled_items", "n item numbers given away", (1, 10), recycled_items, "sales", 14),
    PanelFault(
        "swapped_feeds", "two stores swapped for n days", (7, 28), swapped_feeds, fact="sales"
    ),
    PanelFault(
        "scrambled_units", "items' units mixed up, n days", (1, 7), scrambled_units, fact="sales"
    ),
    PanelFault(
        "typing_errors", "n rows say 9,999", (1, 20), typing_errors, fact="sales", days_judged=3
    ),
)


def _late(panel: Panel, days: int) -> pl.Expr:
    """Whether a row is of the last days."""
    return pl.col("ds") > panel.last_day - timedelta(days=days)


def _of(ids: pl.Series) -> pl.Expr:
    return pl.col("unique_id").is_in(ids.implode())


def _with_y(panel: Panel, hit: pl.Expr, y: pl.Expr) -> Panel:
    """The panel with other units on some rows."""
    return replace(panel, sales=panel.sales.with_columns(y=pl.when(hit).then(y).otherwise("y")))


def _after(panel: Panel, days: int) -> list[date]:
    return [panel.last_day + timedelta(days=k) for k in range(1, days + 1)]


def _members(panel: Panel, column: str, rng: Rng) -> pl.Series:
    """The series of one group of a hierarchy column, drawn; of a source without that column, one
    series.
    """
    column = column if column in panel.series.columns else "unique_id"
    groups = panel.series[column].unique().sort()
    return panel.series.filter(pl.col(column) == groups[int(rng.integers(len(groups)))])[
        "unique_id"
    ]
