"""Data quality: what share of the received rows was refused lately, and why."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from monitoring.finding import Finding, not_judged
from monitoring.signal import WHOLE, Signal

WINDOW_DAYS = 7
# eight digits, in any order
_DAY_IN_NAME = re.compile(r"(?<!\d)\d(?:[-_. ]?\d){7}(?!\d)")
_ADVICE = "Read the quarantine's reasons with the sender of the file: data/validation/index.html."


def quality(
    batches: pl.DataFrame,
    quarantine: pl.DataFrame,
    now: datetime,
    max_share: float,
    resolved: dict[str, datetime],
) -> list[Finding]:
    """The refused share of the rows received in the last seven days, and one error for each file
    refused whole that nobody has mended: by a later one of its name, or of its days as names write
    them, or by hand.

    `batches` and `quarantine` as the store keeps them (fact, received_at, rows_in, rows_refused,
    status, reason, name; batch_id, reason, lines). `resolved`: by cause when its alert was last
    closed.
    """
    recent = batches.filter(
        pl.col("received_at").is_between(now - timedelta(days=WINDOW_DAYS), now)
    )
    accepted = recent.filter(status="accepted")
    newest = recent.sort("received_at", "batch_id").unique("name", keep="last")
    refused_whole = newest.filter(status="refused").sort("name").to_dicts()
    arrived = accepted.select("fact", "name", "received_at").rows()
    whole = [
        finding
        for row in refused_whole
        if not _is_mended(row, arrived)
        and resolved.get((finding := _refused_file(row)).cause, row["received_at"])
        <= row["received_at"]
    ]
    received, refused, since = accepted.select(
        pl.sum("rows_in"), pl.sum("rows_refused"), pl.min("received_at")
    ).row(0)
    if received == 0:
        return [not_judged("quality", f"no row was received in {WINDOW_DAYS} days"), *whole]
    share = refused / received
    reasons = refused_by_reason(quarantine, accepted).head(3)
    why = ", ".join(f"{reason} {lines}" for reason, lines in reasons.iter_rows())
    overall = Finding(
        "quality",
        f"{share:.2%} of {received} rows received in {WINDOW_DAYS} days were refused"
        + (f" ({why})" if why else ""),
        "warning" if share > max_share else "ok",
        float(share),
        max_share,
        _ADVICE,
        since.date(),
    )
    return [overall, *whole]


def refused_signal(batches: pl.DataFrame, quarantine: pl.DataFrame, today: date) -> Signal | None:
    """The share of a day's received rows refused for each reason, and for any; a history load is
    not a day's. None of nothing.
    """
    accepted = batches.filter(status="accepted").with_columns(ds=pl.col("received_at").dt.date())
    rows = (
        accepted.group_by("ds")
        .agg(pl.col("rows_in").sum())
        .filter(pl.col("ds") <= today, pl.col("rows_in") > 0)
    )
    if rows.is_empty():
        return None
    lines = _refused_lines(accepted, quarantine)
    groups = tuple(sorted({WHOLE, *lines["group"]}))
    shares = rows.join(pl.DataFrame({"group": groups}), how="cross").join(
        lines, on=["group", "ds"], how="left"
    )
    first: date = rows.select(pl.min("ds")).item()
    values = np.full((len(groups), (today - first).days + 1), np.nan)
    at = (
        [groups.index(name) for name in shares["group"]],
        (shares["ds"] - first).dt.total_days().to_numpy(),
    )
    values[at] = shares.select(pl.col("lines").fill_null(0) / pl.col("rows_in"))[:, 0].to_numpy()
    return Signal(
        watcher="quality",
        slice="trend",
        first=first,
        groups=groups,
        values=values,
        smallest_spread=0.001,
        sentence="{now:.2%} of the rows of a day were refused{group} "
        "(usually {usual:.2%} ± {spread:.2%})",
        advice=_ADVICE,
        sides="up",
    )


def refused_by_reason(quarantine: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """reason, lines: refused lines of these batches, the most frequent reason first."""
    of_these = quarantine.join(batches.select("batch_id"), on="batch_id", how="semi")
    return (
        of_these.group_by("reason")
        .agg(pl.col("lines").sum())
        .sort(["lines", "reason"], descending=[True, False])
    )


def _refused_lines(accepted: pl.DataFrame, quarantine: pl.DataFrame) -> pl.DataFrame:
    """group, ds, lines: refused lines of a day by reason, and for any (WHOLE)."""
    days = accepted.select("batch_id", "ds")
    refused = quarantine.join(days, on="batch_id", how="inner").with_columns(group="reason")
    return (
        pl.concat([refused, refused.with_columns(group=pl.lit(WHOLE))])
        .group_by("group", "ds")
        .agg(pl.col("lines").sum())
    )


def _is_mended(batch: dict[str, Any], accepted: list[tuple[str, str, datetime]]) -> bool:
    """Whether a file of the same fact came later whose name writes the same days: mended files
    rarely keep their name.
    """
    days = days_named(batch["name"])
    return bool(days) and any(
        fact == batch["fact"] and received_at >= batch["received_at"] and days_named(name) == days
        for fact, name, received_at in accepted
    )


def days_named(name: str) -> frozenset[str]:
    """The days that a file's name writes, as digits: of `sales_2026-01-20.v2.csv` and `20260120
    sales.csv` the same.
    """
    return frozenset(re.sub(r"\D", "", found) for found in _DAY_IN_NAME.findall(name))


def _refused_file(batch: dict[str, Any]) -> Finding:
    return Finding(
        "refused_file",
        f"file {batch['name']!r} was refused whole: {batch['reason']}",
        "error",
        1.0,
        0.0,
        "Ask its sender for a mended file and drop it into data/inbox; nothing of this one "
        "entered. Under a name without the same days: `python monitor.py resolve` closes this.",
        batch["received_at"].date(),
        batch["name"],
    )
