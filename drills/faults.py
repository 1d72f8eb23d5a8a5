"""The catalogue: each fault is a pure function that breaks one thing, by a strength. Panels in memory, bundles and files as copies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from contract.panel import Panel
from features.dense import FEED_COLUMN

Rng = np.random.Generator


@dataclass(frozen=True)
class PanelFault:
    """Breaks what the forecaster is given: a panel cut at the origin in, a broken one out.

    `through_the_door`: what is broken came as daily files, so the rules judge the last days (as many as the strength says) first.
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    apply: Callable[[Panel, int, Rng], Panel]
    through_the_door: bool = False


@dataclass(frozen=True)
class BundleFault:
    """Breaks the champion's folder in place (the drill hands in a copy)."""

    name: str
    what: str
    apply: Callable[[Path], None]


@dataclass(frozen=True)
class FileFault:
    """Breaks a daily file: CSV text in, bytes out. `is_wrong`: its rows must not count; otherwise they must count once."""

    name: str
    what: str
    is_wrong: bool
    apply: Callable[[str, Rng], bytes]


def no_prices(panel: Panel, _strength: int, _rng: Rng) -> Panel:
    """The price modality removed."""
    return replace(panel, prices=panel.prices.with_columns(price=pl.lit(None, pl.Float64)))


def no_promotions(panel: Panel, _strength: int, _rng: Rng) -> Panel:
    """The promotion modality removed."""
    return replace(panel, prices=panel.prices.with_columns(promo=pl.lit(None, pl.Float64)))


def no_calendar(panel: Panel, _strength: int, _rng: Rng) -> Panel:
    """The calendar modality removed: no events, no closed days."""
    return replace(panel, calendar=panel.calendar.clear())


def late_feeds(panel: Panel, days: int, _rng: Rng) -> Panel:
    """All sales arrive some days late."""
    return panel.up_to(panel.last_day - timedelta(days=days))


def short_history(panel: Panel, days: int, _rng: Rng) -> Panel:
    """Only the last days of every series are left."""
    return replace(panel, sales=panel.sales.filter(pl.col("ds") > panel.last_day - timedelta(days=days)))


def lost_feed(panel: Panel, days: int, rng: Rng) -> Panel:
    """One store's feed is missing on the last days, and nobody says so."""
    mute = _members(panel, FEED_COLUMN, rng)
    lost = pl.col("unique_id").is_in(mute.implode()) & (pl.col("ds") > panel.last_day - timedelta(days=days))
    return replace(panel, sales=panel.sales.filter(~lost))


def wrong_unit(panel: Panel, days: int, rng: Rng) -> Panel:
    """One department reports grams for kilograms on the last days: units times a thousand."""
    hit = _members(panel, "dept_id", rng)
    wrong = pl.col("unique_id").is_in(hit.implode()) & (pl.col("ds") > panel.last_day - timedelta(days=days))
    return replace(panel, sales=panel.sales.with_columns(y=pl.when(wrong).then(pl.col("y") * 1000).otherwise("y")))


def corrupted_model(bundle: Path) -> None:
    """One digit of one booster is another: the file still parses."""
    path = sorted(bundle.glob("block_*.txt"))[0]
    text = path.read_text(encoding="utf-8")
    at = text.index("leaf_value=") + len("leaf_value=")
    path.write_text(text[:at] + "9" + text[at:], encoding="utf-8")


def cut_model(bundle: Path) -> None:
    """The disk was full when a booster was written."""
    path = sorted(bundle.glob("block_*.txt"))[-1]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def missing_model(bundle: Path) -> None:
    """Somebody cleaned up the registry."""
    shutil.rmtree(bundle)


def same_file(text: str, _rng: Rng) -> bytes:
    """The supplier sends yesterday's file again."""
    return text.encode()


def shuffled_columns(text: str, rng: Rng) -> bytes:
    """The same columns, their order drawn anew."""
    rows = [line.split(",") for line in text.splitlines()]
    order = rng.permutation(len(rows[0]))
    return "".join(",".join(row[k] for k in order) + "\n" for row in rows).encode()


def renamed_column(text: str, _rng: Rng) -> bytes:
    """The supplier calls y units_sold from today on."""
    head, _, body = text.partition("\n")
    return f"{','.join('units_sold' if name == 'y' else name for name in head.split(','))}\n{body}".encode()


def half_file(text: str, _rng: Rng) -> bytes:
    """The transfer broke off half way, at the end of a row: nothing in what is left is wrong."""
    return text[: text.index("\n", len(text) // 2) + 1].encode()


def wrong_unit_file(text: str, _rng: Rng) -> bytes:
    """Units times a thousand in every row."""
    head, *rows = text.splitlines()
    at = head.split(",").index("y")
    told = (row.split(",") for row in rows)
    scaled = [[*row[:at], str(float(row[at]) * 1000), *row[at + 1 :]] for row in told]
    return "\n".join([head, *(",".join(row) for row in scaled)]).encode()


def empty_file(_text: str, _rng: Rng) -> bytes:
    """The supplier's job ran before the export had written anything."""
    return b""


PANEL_FAULTS = (
    PanelFault("no_prices", "price modality removed", (1,), no_prices),
    PanelFault("no_promotions", "promotion modality removed", (1,), no_promotions),
    PanelFault("no_calendar", "calendar modality removed", (1,), no_calendar),
    PanelFault("late_feeds", "sales arrive n days late", (1, 7, 14), late_feeds),
    PanelFault("short_history", "only the last n days are left", (28, 112), short_history),
    PanelFault("lost_feed", "a store is silent for n days", (7, 28), lost_feed),
    PanelFault("wrong_unit", "a department x1000 for n days", (1, 14), wrong_unit, through_the_door=True),
)

BUNDLE_FAULTS = (
    BundleFault("corrupted_model", "one digit of a booster changed", corrupted_model),
    BundleFault("cut_model", "half of a booster is left", cut_model),
    BundleFault("missing_model", "the champion's folder is gone", missing_model),
)

FILE_FAULTS = (
    FileFault("same_file", "yesterday's file again", False, same_file),
    FileFault("shuffled_columns", "columns in another order", False, shuffled_columns),
    FileFault("renamed_column", "y is called units_sold", True, renamed_column),
    FileFault("half_file", "the transfer broke off", True, half_file),
    FileFault("wrong_unit_file", "every row x1000", True, wrong_unit_file),
    FileFault("empty_file", "no byte in it", True, empty_file),
)


def _members(panel: Panel, column: str, rng: Rng) -> pl.Series:
    """The series of one group of a hierarchy column, drawn; of a source without that column, one series."""
    column = column if column in panel.series.columns else "unique_id"
    groups = panel.series[column].unique().sort()
    return panel.series.filter(pl.col(column) == groups[int(rng.integers(len(groups)))])["unique_id"]
