"""What the app's pages show beside overrides and what-ifs: open alerts, a day's orders, groups."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from contract.names import labels
from contract.params import Params
from queries.overrides import listed_overrides
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.alerts import open_alerts
from storage.answers import acknowledged, approval_of, muted
from storage.forecasts import newest_run, newest_table_end
from storage.orders import read_orders
from storage.series import read_names, read_series
from storage.store import open_store

MOST_VALUES = 400  # of a column that a form lists; more are typed


def overview(params: Params, paths: Paths) -> Summary:
    """The newest table, and counts of what waits for a person."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        newest = newest_run(con)
        held = listed_overrides(con)
        return {
            "origin": newest[1] if newest else None,
            "first": newest[1] + timedelta(days=1) if newest else None,
            "last": newest_table_end(con),
            "alerts": open_alerts(con).height,
            "overrides": held.filter(pl.col("state") == "holds").height,
        }


def groups(params: Params, paths: Paths) -> dict[str, list[str]]:
    """The columns of the series with the values there are, in the order of the hierarchy; of a
    column with more than MOST_VALUES none.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        series = read_series(con)
    columns = [name for name in series.columns if name != "unique_id"] + ["unique_id"]
    values = {name: series[name].unique().sort().to_list() for name in columns}
    return {name: found if len(found) <= MOST_VALUES else [] for name, found in values.items()}


def alerts(params: Params, paths: Paths, now: datetime) -> Summary:
    """Open alerts with who has taken them on, and the causes that are muted."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        taken = acknowledged(con)
        rows = [row | {"taken_by": taken.get(row["cause"])} for row in open_alerts(con).to_dicts()]
        return {"alerts": rows, "muted": muted(con, now)}


def orders(params: Params, paths: Paths, count: int) -> Summary:
    """The newest order day's lines, the most money first, with sums, and who approved it.

    `is_anew`: proposed again since.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        lines, names = read_orders(con), read_names(con)
        day = lines["order_day"].max()
        approval = approval_of(con, day) if day else None  # type: ignore[arg-type]
    wanted = lines.filter(pl.col("units") > 0)
    called = labels(names)
    shown = wanted.sort(pl.coalesce("money", "units"), "unique_id", descending=[True, False]).head(
        count
    )
    rows: list[dict[str, Any]] = [
        row | {"called": called.get(row["unique_id"])} for row in shown.to_dicts()
    ]
    made = lines["created_at"].max()
    return {
        "day": day,
        "lines": lines.height,
        "wanted": wanted.height,
        "units": wanted["units"].sum(),
        "money": wanted["money"].sum() if wanted["money"].count() else None,
        "rows": rows,
        "approval": approval,
        "proposed_at": made.isoformat() if made else None,
        "is_anew": bool(approval and made and made.isoformat() > approval["proposed_at"]),
    }
