"""Which schema a store has, and the way from each older one to the next.

A migration runs in one transaction with its version.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from storage.connection import Connection
from storage.schema import SCHEMA_VERSION, create_tables

Migration = Callable[[Connection], None]


def version_of(con: Connection) -> str | None:
    """The schema version a store says it has; None for an empty file or another's database."""
    try:
        row = con.execute("select value from meta where key = 'schema_version'").fetchall()
    except duckdb.CatalogException:
        return None
    return row[0][0] if row else "1"  # a store of ours that does not say is of the first


def is_empty(con: Connection) -> bool:
    """Whether there is no table at all."""
    return not con.execute("select 1 from duckdb_tables() limit 1").fetchall()


def can_migrate(version: str | None) -> bool:
    """Whether there is a way from this version to the one of this code."""
    return version in MIGRATIONS


def migrate(con: Connection, version: str) -> None:
    """Every step from a version to the newest, and new comments. Call it inside a transaction."""
    for step in list(MIGRATIONS)[list(MIGRATIONS).index(version) :]:
        MIGRATIONS[step](con)
    create_tables(con)
    statement = "insert or replace into meta values ('schema_version', $v)"
    con.execute(statement, {"v": SCHEMA_VERSION}).fetchall()


def _count_attempts(con: Connection) -> None:
    """1 -> 2: a content may be judged again, so the ledger is unique by content, fact and attempt.
    A constraint cannot be exchanged in DuckDB: the table is written anew.
    """
    for statement in (
        "alter table batches rename to batches_1",
        _LEDGER_2,
        "insert into batches by name select *, null as replay_of, 0 as attempt from batches_1",
        "drop table batches_1",
    ):
        con.execute(statement).fetchall()


_LEDGER_2 = """
create table batches (
    batch_id bigint primary key, fact varchar not null, source varchar not null,
    name varchar not null, sha256 varchar not null, received_at timestamp not null,
    known_at_from varchar not null, rows_in bigint not null, rows_accepted bigint not null,
    rows_refused bigint not null, rows_new bigint not null, rows_restated bigint not null,
    status varchar not null check (status in ('accepted', 'refused')), reason varchar,
    replay_of bigint, attempt bigint not null, unique (sha256, fact, attempt),
    check (rows_in = rows_accepted + rows_refused),
    check (rows_accepted >= 0 and rows_refused >= 0))"""


def _keep_decisions(con: Connection) -> None:
    """2 -> 3: a table of decisions beside the others."""
    con.execute(_DECISIONS_4).fetchall()


def _decide_intervals(con: Connection) -> None:
    """3 -> 4: decisions may be recalibrations and say in full what follows. A check cannot be
    exchanged in DuckDB: the table is written anew.
    """
    for statement in (
        "alter table decisions rename to decisions_3",
        _DECISIONS_4,
        "insert into decisions by name select * from decisions_3",
        "drop table decisions_3",
    ):
        con.execute(statement).fetchall()


def _weigh_runs(con: Connection) -> None:
    """4 -> 5: a run says what its process held at most; of the runs so far it is not known."""
    con.execute("alter table runs add column peak_mb double").fetchall()


def _name_series(con: Connection) -> None:
    """5 -> 6: an alert names the series that contribute most; those so far did not say."""
    con.execute("alter table alerts add column contributors varchar").fetchall()


def _know_stock(_: Connection) -> None:
    """6 -> 7: stock, open orders, supply, spans and orders beside the other tables. Nothing to
    alter: `create_tables` makes them.
    """


def _take_back(con: Connection) -> None:
    """7 -> 8: a line of the ledger may take a batch back; a table of changed attributes."""
    con.execute("alter table batches add column withdraws bigint").fetchall()


def _announce(_: Connection) -> None:
    """8 -> 9: tables of series that plans announced, and of what was taken back by absence. Nothing
    to alter, as above.
    """


def _know_totals(_: Connection) -> None:
    """9 -> 10: totals of groups, a fact as the others. Nothing to alter, as above."""


def _thin(_: Connection) -> None:
    """10 -> 11: a table of what was thinned by age. Nothing to alter, as above."""


def _override(_: Connection) -> None:
    """11 -> 12: tables of what people say beside the forecasts. Nothing to alter, as above."""


_DECISIONS_4 = """
create table decisions (
    kind varchar not null check (kind in ('retrain', 'promotion', 'rollback', 'recalibration')),
    decided_at timestamp not null, outcome varchar not null, reason varchar not null,
    model_id varchar, replaced varchar, told varchar,
    primary key (kind, decided_at))"""

MIGRATIONS: dict[str, Migration] = {
    "1": _count_attempts,
    "2": _keep_decisions,
    "3": _decide_intervals,
    "4": _weigh_runs,
    "5": _name_series,
    "6": _know_stock,
    "7": _take_back,
    "8": _announce,
    "9": _know_totals,
    "10": _thin,
    "11": _override,
}  # from which version; in their order
