"""The tables: grain, key and a comment per column, kept in the database itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from contract.errors import ContractBroken
from contract.frames import (
    DEMAND_SPANS,
    FORECAST_LEVELS,
    FORECASTS,
    ORDERS,
    OVERRIDDEN,
    OVERRIDES,
    STORED_FACTS,
    FrameContract,
)
from contract.quantiles import QUANTILES
from storage.connection import Connection

SCHEMA_VERSION = "12"

_SQL_TYPES = {
    "String": "varchar",
    "Date": "date",
    "Float64": "double",
    "Boolean": "boolean",
    "Int32": "integer",
    "Int64": "bigint",
    "Datetime(time_unit='us', time_zone=None)": "timestamp",
}

_WORDS = {
    "unique_id": "the series: item and store",
    "ds": "the store's local day",
    "y": "units sold",
    "known_at": "when we learned it, UTC",
    "is_open": "whether the store was open; null: not said",
    "stockout_share": "share of the day the shelf was empty, 0 to 1; null: not said",
    "region": "the region the day belongs to; * is everywhere",
    "event": "names of events joined by |; null: none",
    "event_type": "kinds of the events joined by |; null: none",
    "is_closed": "whether stores stay closed; null: not said",
    "is_payday": "whether customers receive money on this day; null: not said",
    "from_ds": "first day of the period, included",
    "to_ds": "last day of the period, included",
    "price": "selling price of one unit; null: not said",
    "promo": "strength of the promotion, 0 is none; null: not said",
    "name": "name of the covariate, as params.yaml calls it",
    "value": "value of the covariate; null: not said",
    "on_hand": "units in hand at the close of the day; may be negative, as stated",
    "due_ds": "day on which the order is to arrive",
    "on_order": "units ordered and not arrived",
    "scope": "the values series must have for the row to hold, as JSON; {} holds for all",
    "order_days": "weekdays on which is ordered, 1 is Monday, joined by blanks; null: not said",
    "review_days": "days between orders; null: not said",
    "first_order": "one day on which is ordered; null: not said",
    "lead_days": "days from order to delivery before opening, or several with their "
    "probabilities (2:0.8 3:0.2); null: not said",
    "pack_size": "units of a pack; null: not said",
    "min_order": "least units of an order; null: not said",
    "shelf_life_days": "days on which a delivered unit can be sold; null: not said",
    "unit_cost": "money a unit costs; null: not said",
    "margin": "money earned on a unit sold; null: not said",
    "leftover_cost": "money lost on a unit left over; null: not said",
    "target_service": "share of deliveries that are to last until the next; null: not said",
    "batch_id": "the batch that brought it; see batches",
    "superseded_at": "when a later version of the same key became known; null: this is the latest",
    "run_id": "the run that made it; see runs",
    "origin": "last day known when the forecast was issued",
    "h": "days ahead of the origin, from 1",
    "y_hat": "forecast mean, units",
    "method": "what made the row",
    "reason": "why",
    "created_at": "when it was made, UTC",
    "level": "level of the hierarchy, by its columns joined with *",
    "group_key": "the group, its columns' values joined with |",
    "key": "the series, or the group as in forecast_levels",
    "from_h": "first day ahead of the span, included",
    "to_h": "last day ahead of the span, included",
    "mean": "mean of the demand of the whole span, units",
    "order_day": "the day on whose morning is ordered",
    "cover_from": "first day the delivery can be sold",
    "cover_to": "last day the order must last for; of several the likeliest",
    "demand": "mean demand from the stock's day to the cover's end, units",
    "service": "probability that the order lasts, which is aimed at",
    "target": "quantile of that demand at the service, units",
    "stock_ds": "day at whose close the stock was counted",
    "position": "on_hand without what sold since, and on_order; units",
    "units": "proposed order; null: see reason",
    "packs": "the same in packs",
    "money": "the same in money; null: no unit_cost",
    "short": "expected units wanted and not there, to the cover's end",
    "left_over": "expected units left at the cover's end",
    "p_out": "probability of running out by the cover's end, with the order",
    "p_out_before": "probability of running out before the delivery, whatever is ordered",
    "days_of_cover": "days until the mean forecast has used up the position",
    "flags": "what else to know, joined by |",
    **{name: f"forecast quantile at {share}, units" for name, share in QUANTILES.items()},
}


@dataclass(frozen=True)
class Table:
    """A table's grain in words and its columns; `constraints`: primary key and checks as SQL."""

    name: str
    grain: str
    columns: dict[str, str]
    constraints: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)

    @property
    def ddl(self) -> str:
        """The statement that creates the table where it is absent."""
        columns = [f"{quoted(name)} {kind}" for name, kind in self.columns.items()]
        parts = ", ".join([*columns, *self.constraints])
        return f"create table if not exists {quoted(self.name)} ({parts})"


def quoted(name: str) -> str:
    """The name as an SQL identifier, the only way a name enters a statement; ContractBroken for a
    name that is none.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise ContractBroken(
            f"{name[:80]!r} cannot name a column: letters, digits and _ only, 63 at most. Rename "
            "it in shop.yaml."
        )
    return f'"{name}"'


def columns_of(contract: FrameContract) -> dict[str, str]:
    """A frame's columns with their SQL types."""
    return {name: _SQL_TYPES[str(kind)] for name, kind in contract.schema.items()}


def _fact_tables(contract: FrameContract) -> list[Table]:
    name, columns = contract.name, {**columns_of(contract), "batch_id": "bigint not null"}
    key = f"{', '.join(contract.key)}"
    why = (
        "No primary key: loading is four times faster without; uniqueness by construction, tested."
    )
    return [
        Table(name, f"{contract.grain}. Latest versions. {why}", columns),
        Table(
            f"{name}_superseded",
            f"one earlier version of ({key}): valid from known_at until superseded_at. No "
            "primary key: two files may state a key differently at the same moment; the earlier "
            "one is then valid for no time at all.",
            {**columns, "superseded_at": "timestamp not null"},
        ),
        Table(
            f"{name}_confirmed",
            f"one statement that said again what was known of ({key}); kept so that a file "
            "arriving late, between the two, finds its right place. No primary key, as above.",
            columns,
        ),
    ]


TABLES: tuple[Table, ...] = (
    Table(
        "meta",
        "one property of this store",
        {"key": "varchar primary key", "value": "varchar not null"},
        words={"key": "name of the property", "value": "its value"},
    ),
    Table(
        "batches",
        "one received file and fact, one later judgement of what was refused of it, or one "
        "withdrawal: the ledger",
        {
            "batch_id": "bigint primary key",
            "fact": "varchar not null",
            "source": "varchar not null",
            "name": "varchar not null",
            "sha256": "varchar not null",
            "received_at": "timestamp not null",
            "known_at_from": "varchar not null",
            "rows_in": "bigint not null",
            "rows_accepted": "bigint not null",
            "rows_refused": "bigint not null",
            "rows_new": "bigint not null",
            "rows_restated": "bigint not null",
            "status": "varchar not null check (status in ('accepted', 'refused'))",
            "reason": "varchar",
            "replay_of": "bigint",
            "attempt": "bigint not null",
            "withdraws": "bigint",
        },
        (
            "unique (sha256, fact, attempt)",
            "check (rows_in = rows_accepted + rows_refused)",
            # no function: DuckDB 2.0 cannot replay one from its log
            "check (rows_accepted >= 0 and rows_refused >= 0)",
        ),
        {
            "batch_id": "number in the order of arrival",
            "fact": "sales, calendar, prices, covariates, totals, stock, open_orders or supply; "
            "file: it could not be read at all",
            "source": "the source this store belongs to",
            "name": "file name as received; data, never trusted",
            "sha256": "content of the file: its identity",
            "received_at": "when it was taken, UTC",
            "known_at_from": "where known_at comes from: the file, the moment it was received, an "
            "assumption; of a line that takes a batch back: withdrawal",
            "rows_in": "received lines",
            "rows_accepted": "received lines that count in the fact",
            "rows_refused": "received lines in quarantine",
            "rows_new": "accepted rows whose key was not known before",
            "rows_restated": "accepted rows that gave a known key another value",
            "status": "accepted (perhaps with refused rows) or refused whole",
            "reason": "why it was refused whole; null: it was not",
            "replay_of": "the batch whose quarantined rows were judged again and are counted here; "
            "null: as received",
            "attempt": "0: as received; 1 and more: the rows that a later judgement of the same "
            "content took in, its withdrawal, or the content received again after one",
            "withdraws": "the batch that this line takes back, from received_at on; null: none",
        },
    ),
    *(table for contract in STORED_FACTS.values() for table in _fact_tables(contract)),
    Table(
        "quarantine",
        "one refused row of one batch",
        {
            "batch_id": "bigint not null",
            "row_number": "bigint",
            "reason": "varchar not null",
            "sentence": "varchar",
            "raw": "varchar",
            "lines": "bigint not null",
            "refused_at": "timestamp not null",
            "replayed_by": "bigint",
        },
        words={
            "row_number": "position in the file, from 1",
            "reason": "code of the first rule it broke",
            "sentence": "the rule in words",
            "raw": "the row as received, JSON; data, never trusted",
            "lines": "received lines the row stands for",
            "refused_at": "when, UTC",
            "replayed_by": "the batch that took it in later; null: not replayed",
        },
    ),
    Table(
        "series_attributes",
        "one series: the hierarchy's columns, added as sources name them; read it through the view "
        "series",
        {"unique_id": "varchar primary key"},
    ),
    Table(
        "series_changes",
        "one attribute of a series that a batch changed; so that a withdrawal changes it back. No "
        "primary key: a batch may name the groups of a series, too.",
        {
            "batch_id": "bigint not null",
            "unique_id": "varchar not null",
            "attribute": "varchar not null",
            "before": "varchar",
            "after": "varchar",
        },
        words={
            "attribute": "a column of series_attributes",
            "before": "its value before the batch; null: none",
            "after": "its value since the batch",
        },
    ),
    Table(
        "implied",
        "one key that a batch took back by not stating it; goes with the statement it took back. "
        "No primary key: of sales series and day, of supply the scope",
        {
            "batch_id": "bigint not null",
            "unique_id": "varchar",
            "ds": "date",
            "scope": "varchar",
        },
    ),
    Table(
        "announced",
        "one series and batch of plans that says where it stands, while no sales did",
        {"batch_id": "bigint not null", "unique_id": "varchar not null"},
        ("primary key (batch_id, unique_id)",),
    ),
    Table(
        "runs",
        "one run of an entry point",
        {
            "run_id": "varchar primary key",
            "door": "varchar not null",
            "started_at": "timestamp not null",
            "ended_at": "timestamp",
            "status": "varchar not null",
            "git_commit": "varchar",
            "params_hash": "varchar",
            "panel_hash": "varchar",
            "model_id": "varchar",
            "as_of": "timestamp",
            "peak_mb": "double",
        },
        words={
            "run_id": "name of the run",
            "door": "which entry point: ingest, train, evaluate, inference, monitor",
            "started_at": "UTC",
            "ended_at": "UTC; null: still running, or killed",
            "status": "done; answer: forecasts of a part of the series or days, as of an earlier "
            "moment or from another day than the newest, never the latest table; "
            "shadow: a challenger's for a share of the series, never served",
            "git_commit": "the code that ran",
            "params_hash": "contract.hashes.params_hash of its params",
            "panel_hash": "the panel it read",
            "model_id": "the model it used; see models",
            "as_of": "the moment the panel was read as of; null: as last known",
            "peak_mb": "the most its process held resident while it ran, up to ended_at, MB "
            "(runtime.memory.peak_mb); null: the system does not say, or a run of before schema 5",
        },
    ),
    Table(
        "forecasts",
        FORECASTS.grain + ". No primary key: a run is written whole and replaced whole.",
        columns_of(FORECASTS),
        words={"reason": "why the row is not the champion's; null: it is"},
    ),
    Table(
        "forecast_levels",
        FORECAST_LEVELS.grain + ". No primary key: a run is written whole and replaced whole.",
        columns_of(FORECAST_LEVELS),
    ),
    Table(
        "demand_spans",
        DEMAND_SPANS.grain + ". No primary key: a run is written whole and replaced whole.",
        columns_of(DEMAND_SPANS),
    ),
    Table(
        "orders",
        ORDERS.grain + ".",
        columns_of(ORDERS),
        ("primary key (order_day, unique_id)",),
        words={
            "on_hand": "units counted",
            "on_order": "units ordered before and due by the cover's end",
            "reason": "why there is no proposal; null: there is one",
        },
    ),
    Table(
        "overrides",
        OVERRIDES.grain + ".",
        columns_of(OVERRIDES),
        (
            "primary key (override_id)",
            "check (kind in ('percent', 'units'))",
            "check (from_ds <= to_ds)",
        ),
        words={
            "override_id": "number in the order of making",
            "made_at": "when it was made, UTC",
            "made_by": "who made it",
            "from_ds": "first day it is about, included",
            "to_ds": "last day it is about, included",
            "kind": "percent of the model's mean, or units of the whole span and group",
            "value": "percent, 0 is none; or units",
            "reason": "why, in the words of who made it",
            "run_id": "the run whose table it was made on; see runs",
            "expires_on": "tables from this origin on do not take it; null: all do",
            "revoked_at": "when it was taken back, UTC; null: it holds",
            "revoked_by": "who took it back; null: nobody",
        },
    ),
    Table(
        "overridden",
        OVERRIDDEN.grain + ". No primary key: written whole, override by override.",
        columns_of(OVERRIDDEN),
        words={
            "override_id": "the override that says so; see overrides",
            "model": "forecast mean of the model, units",
            "y_hat": "forecast mean as the override makes it, units",
        },
    ),
    Table(
        "thinned",
        "one published table of a run, or the orders of a day and run, of which rows went by age: "
        "what it had, so that whoever asks is not given an empty table",
        {
            "published": "varchar not null check (published in ('forecasts', 'orders'))",
            "run_id": "varchar not null",
            "day": "date not null",
            "last_ds": "date not null",
            "rows": "bigint not null",
            "units": "double",
            "rows_left": "bigint not null",
            "thinned_at": "timestamp not null",
        },
        ("primary key (published, run_id, day)",),
        {
            "published": "forecasts, or orders",
            "run_id": "the run that made them; see runs",
            "day": "the table's origin; the order day",
            "last_ds": "the last day it was about",
            "rows": "rows it had",
            "units": "units they forecast, or proposed",
            "rows_left": "rows still there: none, or the first week of a table",
            "thinned_at": "when it was thinned last, UTC",
        },
    ),
    Table(
        "models",
        "one fitted model",
        {
            "model_id": "varchar primary key",
            "kind": "varchar not null",
            "cutoff": "date",
            "panel_hash": "varchar",
            "params_hash": "varchar",
            "card": "varchar not null",
            "stage": "varchar not null check (stage in ('candidate', 'champion', 'retired'))",
            "created_at": "timestamp not null",
        },
        words={
            "model_id": "name of the model, from its content",
            "kind": "global_lightgbm, seasonal_naive, ...",
            "cutoff": "last day it may have seen",
            "panel_hash": "the panel it was fitted on",
            "params_hash": "the params it was fitted with",
            "card": "the model card, JSON",
            "stage": "candidate, champion (at most one) or retired",
        },
    ),
    Table(
        "decisions",
        "one decision: to retrain or not, to promote, to roll back, to scale the intervals",
        {
            "kind": "varchar not null "
            "check (kind in ('retrain', 'promotion', 'rollback', 'recalibration'))",
            "decided_at": "timestamp not null",
            "outcome": "varchar not null",
            "reason": "varchar not null",
            "model_id": "varchar",
            "replaced": "varchar",
            "told": "varchar",
        },
        ("primary key (kind, decided_at)",),
        words={
            "kind": "retrain, promotion, rollback or recalibration",
            "decided_at": "when, UTC",
            "outcome": "what follows from it, in a word or two",
            "reason": "the sentence for the record",
            "model_id": "the model it is about; null: none yet",
            "replaced": "the champion before it; null: there was none",
            "told": "what follows in full, JSON (the factors of a recalibration); null: the "
            "outcome says it all",
        },
    ),
    Table(
        "scores",
        "one run, model, cutoff, level, slice and metric. No primary key: a run is written whole "
        "and replaced whole.",
        {
            "run_id": "varchar not null",
            "model": "varchar not null",
            "cutoff": "date",
            "level": "varchar not null",
            "slice": "varchar not null",
            "metric": "varchar not null",
            "value": "double",
        },
        words={
            "model": "forecaster",
            "cutoff": "last day the backtest could see; null: all cutoffs together",
            "slice": "which part of the series or days",
            "metric": "name of the measure",
            "value": "its value",
        },
    ),
    Table(
        "alerts",
        "one alert; at most one open alert per cause",
        {
            "alert_id": "bigint primary key",
            "cause": "varchar not null",
            "raised_at": "timestamp not null",
            "last_seen_at": "timestamp not null",
            "closed_at": "timestamp",
            "severity": "varchar not null check (severity in ('warning', 'error'))",
            "what": "varchar not null",
            "value": "double",
            "threshold": "double",
            "advice": "varchar not null",
            "state": "varchar not null check (state in ('open', 'closed'))",
            "contributors": "varchar",
        },
        words={
            "alert_id": "number in the order of raising",
            "cause": "what it is about; the same cause again is the same alert while it is open",
            "raised_at": "when the cause was first seen, UTC",
            "last_seen_at": "when it was last seen, UTC",
            "closed_at": "when the cause was gone, UTC; null: still open",
            "severity": "warning: a person should look; error: a person must",
            "what": "a sentence with the values",
            "value": "what was measured",
            "threshold": "what was allowed",
            "advice": "what to do first",
            "state": "open or closed",
            "contributors": "the series that contribute most, joined with |; null: about none",
        },
    ),
)


def create_new(con: Connection) -> None:
    """A whole new store, with its version. Call it inside a transaction."""
    create_tables(con)
    con.execute("insert into meta values ('schema_version', $v)", {"v": SCHEMA_VERSION}).fetchall()


def create_tables(con: Connection) -> None:
    """Every table, view and comment of the current schema, where absent. Call it inside a
    transaction.
    """
    for table in TABLES:
        con.execute(table.ddl).fetchall()
        comment = f"comment on table {quoted(table.name)} is {quoted_text(table.grain)}"
        con.execute(comment).fetchall()
        for column in table.columns:
            name = f"{quoted(table.name)}.{quoted(column)}"
            words = quoted_text(table.words.get(column) or _WORDS[column])
            con.execute(f"comment on column {name} is {words}").fetchall()
    for contract in STORED_FACTS.values():
        _create_history_view(con, contract)
    create_series_view(con, [])


def _create_history_view(con: Connection, contract: FrameContract) -> None:
    columns = ", ".join(quoted(name) for name in [*contract.schema, "batch_id"])
    view = quoted(f"{contract.name}_history")
    con.execute(
        f"create or replace view {view} as "  # noqa: S608 -- names of this file and of the contract, quoted
        f"select {columns}, cast(null as timestamp) as superseded_at from {quoted(contract.name)} "
        f"union all select {columns}, superseded_at from {quoted(contract.name + '_superseded')}"
    ).fetchall()
    grain = (
        f"one version of ({', '.join(contract.key)}): the whole bitemporal record, the latest "
        "with superseded_at null"
    )
    con.execute(f"comment on view {view} is {quoted_text(grain)}").fetchall()


def create_series_view(con: Connection, hierarchy: list[str]) -> None:
    """The view `series`: attributes, and first and last sale as the facts say now, never stale."""
    attributes = "".join(f", a.{quoted(name)}" for name in hierarchy)
    con.execute(
        "create or replace view series as "  # noqa: S608 -- quoted names only
        "with stated as (select unique_id, min(ds) filter (y > 0) as first_sale, "
        "max(ds) filter (y > 0) as last_sale from sales group by all "
        "union all by name select unique_id from announced where batch_id not in "
        "(select withdraws from batches where withdraws is not null) "
        "and unique_id not in (select unique_id from sales) group by all), "
        "newest as (select max(ds) as day from sales) "
        f"select a.unique_id{attributes}, s.first_sale, s.last_sale, "
        "case when s.first_sale is null then 'unsold' "
        "when newest.day - s.first_sale < 56 then 'new' "
        "when newest.day - s.last_sale >= 56 then 'dormant' else 'active' end as lifecycle "
        "from series_attributes a left join (select *, true as is_stated from stated) s "
        "using (unique_id) cross join newest where is_stated "
        "or not exists (select 1 from batches where withdraws is not null)"
    ).fetchall()
    grain = (
        "one series; lifecycle: unsold, new (first sale under 8 weeks ago), active, dormant (no "
        "sale for 8 weeks)"
    )
    con.execute(f"comment on view series is {quoted_text(grain)}").fetchall()


def quoted_text(words: str) -> str:
    """The words as an SQL text literal: a comment takes no bound parameter."""
    return "'" + words.replace("'", "''") + "'"
