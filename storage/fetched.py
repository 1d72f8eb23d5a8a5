"""What was fetched from a database or bucket: a list beside the inbox, where senders of files
cannot write. Its loss costs a second reading and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.json_files import read_json_if_whole, write_json
from storage.connection import Connection

Entry = dict[str, Any]
_MOST_KEPT = 50  # increments of a fact after the one whose mark holds
_HELD_BACK = 7  # accepted increments; for so many mornings a refused day is read again


def read_fetched(path: Path, source: str) -> dict[str, list[Entry]]:
    """By fact or object what was fetched of a source, oldest first; nothing where the list is lost
    or damaged.
    """
    fetched = (read_json_if_whole(path) or {}).get(source)
    return fetched if isinstance(fetched, dict) else {}


def write_fetched(path: Path, source: str, fetched: Mapping[str, list[Entry]]) -> None:
    """The list of a source, whole or as it was; those of other sources stay."""
    write_json(path, (read_json_if_whole(path) or {}) | {source: fetched})


@dataclass(frozen=True)
class Ledger:
    """What became of contents: which the ledger accepted and nobody withdrew, and which of these
    without refusing a day as a whole.
    """

    accepted: frozenset[str]
    with_whole_days: frozenset[str]


def ledger_of(con: Connection, hashes: Iterable[str], codes_of_days: Sequence[str]) -> Ledger:
    """The ledger's word on these contents. `codes_of_days`: why a day is refused as a whole."""
    query = """
        select sha256, bool_or(exists (
            select 1 from quarantine q
            where q.batch_id = b.batch_id and q.replayed_by is null
              and list_contains($codes, q.reason)))
        from batches b
        where status = 'accepted' and list_contains($hashes, sha256)
          and not exists (select 1 from batches w where w.withdraws = b.batch_id)
        group by sha256"""
    sql_params = {"hashes": list(hashes), "codes": list(codes_of_days)}
    found = con.execute(query, sql_params).fetchall()
    return Ledger(
        frozenset(sha256 for sha256, _ in found),
        frozenset(sha256 for sha256, has_refused_day in found if not has_refused_day),
    )


def in_force(entries: list[Entry], ledger: Ledger) -> Entry | None:
    """The entry whose mark holds: the newest that the ledger accepted. Where a day in it was
    refused as a whole, the newest before without one, so that the day is read again when the rest
    of it is there; but no more than some accepted ones back. None before the first.
    """
    newest = [one for one in reversed(entries) if one["sha256"] in ledger.accepted]
    newest = newest[: _HELD_BACK + 1]
    whole = (one for one in newest if one["sha256"] in ledger.with_whole_days)
    return next(whole, newest[-1] if newest else None)


def with_entry(entries: list[Entry], ledger: Ledger, entry: Entry) -> list[Entry]:
    """The entries that may still matter, and a new one: the one in force and those after it."""
    standing = in_force(entries, ledger)
    kept = entries[entries.index(standing) :] if standing else entries
    same = [one for one in kept if one["sha256"] != entry["sha256"] or one is standing]
    return [*same[:1], *same[1:][-_MOST_KEPT:], entry]
