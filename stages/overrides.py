"""Overrides: what a person says of a group's days, set, taken back, and laid over new tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from contract.days import WEEK
from contract.demand import demand_rules
from contract.errors import BadUsage
from contract.frames import OVERRIDDEN
from contract.levels import SERIES_ITSELF, Level, is_ambiguous, level_by, level_called, series_where
from contract.params import Params
from features.opening import WEEKS_WITHOUT_ROWS
from forecasting.overrides import (
    Kind,
    Wish,
    closed_rows,
    expects_nothing,
    expects_nothing_on_a_day,
    rows_of,
    spread,
    spread_again,
)
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.said import MOST_OF_A_REASON, refuse_name, refuse_text
from storage.forecasts import forecasts_of, needed_run
from storage.overrides import (
    Override,
    own_rows,
    read_overrides,
    revoke_override,
    standing_overrides,
    write_override,
)
from storage.panel import read_tail
from storage.series import read_series
from storage.store import Connection, open_store

LEAST_PERCENT, MOST = -100.0, 1e12  # beyond it sums of doubles are no numbers any more


@dataclass(frozen=True)
class Request:
    """What a person wants, as typed. `where`: hierarchy column (or unique_id) to value; none is the
    total. Days both included.
    """

    where: dict[str, str]
    from_ds: date
    to_ds: date
    kind: Kind
    value: float
    by: str
    reason: str
    expires_on: date | None = None


def override(
    params: Params, paths: Paths, request: Request, *, now: datetime, dry_run: bool = False
) -> Summary:
    """The override written, and what it makes of the group's units; with `dry_run` only said. Sent
    twice, it is one.

    BadUsage says what is wrong with it, and what there is instead.
    """
    refuse_name(request.by)
    refuse_text("--reason", request.reason, MOST_OF_A_REASON)
    _refuse_value(request)
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=dry_run) as con:
        run, origin = needed_run(con, "override")
        series, forecasts = read_series(con), forecasts_of(con, run.run_id)
        _refuse_days(request, origin, forecasts)
        wish = _wish(request, series, [level.columns for level in params.source.hierarchy])
        rows = rows_of(forecasts, series, wish)
        closed = _closed(con, params, forecasts.lazy()) if expects_nothing(rows) else None
        rows = spread(rows, wish, closed)
        summary = _summary(request, wish, rows)
        if dry_run:
            return summary | {"override_id": None}
        wanted = _row_of(request, wish, (run.run_id, origin), now)
        number = _same(con, wanted) or write_override(con, wanted, rows)
    return {"override_id": number, **summary}


def revoke(params: Params, paths: Paths, override_id: int, by: str, now: datetime) -> Summary:
    """The override taken back from now on; what the model or an earlier override says holds."""
    refuse_name(by)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        revoke_override(con, override_id, by, now)
        row = read_overrides(con).filter(override_id=override_id).row(0, named=True)
    return {"revoked": override_id, "by": by, "level": row["level"], "key": row["key"]}


def laid_over(con: Connection, params: Params, forecasts: pl.LazyFrame) -> pl.DataFrame:
    """OVERRIDDEN of a new table (FORECASTS of one run): every override that stands, on its rows."""
    [(run_id, origin)] = forecasts.select("run_id", "origin").head(1).collect().rows()
    standing = standing_overrides(con, origin)
    if standing.is_empty():
        return OVERRIDDEN.empty()
    series = read_series(con)
    own = own_rows(con, standing["override_id"].to_list())
    days = own.group_by("override_id", "ds").agg(units=pl.col("y_hat").sum())
    closed, parts = None, []
    for row in standing.to_dicts():
        wish = _wish_of(row)
        wanted = days.filter(override_id=row["override_id"]).drop("override_id")
        rows = rows_of(forecasts, series, wish)
        if closed is None and wish.kind == "units" and expects_nothing_on_a_day(rows, wanted):
            closed = _closed(con, params, forecasts)
        again = spread_again(rows, wish, wanted, closed)
        numbered = again.with_columns(run_id=pl.lit(run_id), override_id=row["override_id"])
        parts.append(OVERRIDDEN.conform(numbered))
    return pl.concat(parts)


def _closed(con: Connection, params: Params, forecasts: pl.LazyFrame) -> pl.DataFrame:
    """The table's days on which a series cannot sell, as the store knows them now."""
    days = forecasts.select(pl.col("origin").first(), pl.col("h").max()).collect()
    [(origin, horizon)] = days.rows()
    since = origin - timedelta(days=WEEKS_WITHOUT_ROWS * WEEK)
    panel = read_tail(con, since, params.features.max_stockout_share)
    return closed_rows(panel, origin, horizon, demand_rules(params))


def _wish_of(row: dict[str, Any]) -> Wish:
    fields = {name: row[name] for name in ("key", "from_ds", "to_ds", "kind", "value")}
    return Wish(level_called(row["level"]), **fields)


def _wish(request: Request, series: pl.DataFrame, levels: list[tuple[str, ...]]) -> Wish:
    """The wish of a group that has series; BadUsage names the columns or values that there are."""
    members = series_where(series, request.where)
    level = _level(request, levels)
    key = members.select(level.group_key).to_series()[0]
    return Wish(level, key, request.from_ds, request.to_ds, request.kind, request.value)


def _level(request: Request, levels: list[tuple[str, ...]]) -> Level:
    """The level of these columns, in the order of the hierarchy where it has them."""
    columns = tuple(request.where)
    if "unique_id" in columns:
        return SERIES_ITSELF
    level = level_by(next((one for one in levels if set(one) == set(columns)), columns))
    if is_ambiguous(level):
        raise BadUsage(
            f"the group of {list(columns)} would be called '{level.name}', as another level is. "
            "Say it by other columns, or series by series."
        )
    return level


def _refuse_value(request: Request) -> None:
    least = LEAST_PERCENT if request.kind == "percent" else 0.0
    if not least <= request.value <= MOST:  # nor is NaN
        raise BadUsage(
            f"--{request.kind} {request.value:g} would make sales below zero or beyond counting, "
            f"or is no number. Give {least:g} to {MOST:g}."
        )


def _refuse_days(request: Request, origin: date, forecasts: pl.DataFrame) -> None:
    last = forecasts["ds"].max()
    if not origin < request.from_ds <= request.to_ds <= last:  # type: ignore[operator]
        raise BadUsage(
            f"{request.from_ds} to {request.to_ds} are no days of the newest table, which holds "
            f"those after {origin} to {last}. Give days within it, first day first; "
            "train.horizon makes tables longer."
        )
    if request.expires_on is not None and request.expires_on <= origin:
        raise BadUsage(
            f"--expires {request.expires_on} is over: the newest table is from {origin}. Give a "
            "later day, or none."
        )


def _row_of(request: Request, wish: Wish, table: tuple[str, date], now: datetime) -> Override:
    return Override(
        made_at=now,
        made_by=request.by.strip(),
        level=wish.level.name,
        key=wish.key,
        from_ds=wish.from_ds,
        to_ds=wish.to_ds,
        kind=wish.kind,
        value=wish.value,
        reason=request.reason.strip(),
        run_id=table[0],
        origin=table[1],
        expires_on=request.expires_on,
    )


def _same(con: Connection, wanted: Override) -> int | None:
    """The number of the last override of this table, if it stands and says the very same: a button
    pressed twice, a command run again after a kill.
    """
    last = read_overrides(con).tail(1).filter(pl.col("revoked_at").is_null())
    for row in last.to_dicts():
        fields = asdict(wanted) | {"made_at": row["made_at"]}
        if all(row[name] == value for name, value in fields.items()):
            return int(row["override_id"])
    return None


def _summary(request: Request, wish: Wish, rows: pl.DataFrame) -> Summary:
    model, final = float(rows["model"].sum()), float(rows["y_hat"].sum())
    return {
        "level": wish.level.name,
        "key": wish.key,
        "from": request.from_ds,
        "to": request.to_ds,
        "series": rows["unique_id"].n_unique(),
        "rows": rows.height,
        "model_units": round(model, 3),
        "final_units": round(final, 3),
        "change": round(final / model - 1, 4) if model else None,
    }
