"""A store belongs to one source; another source's store is set aside until it is wanted again."""

from __future__ import annotations

from pathlib import Path

from storage.store import claim, open_store, source_of, transaction


def switch_store(store: Path, set_aside: Path, source: str, wait_s: float) -> bool:
    """Make `store` the one of `source`; whether another one had to move. Nothing is deleted."""
    owner = _owner(store, wait_s)
    if owner == source:
        return False
    if owner is not None:
        set_aside.mkdir(parents=True, exist_ok=True)
        store.rename(set_aside / f"{owner}.duckdb")
    earlier = set_aside / f"{source}.duckdb"
    if earlier.exists():
        store.unlink(missing_ok=True)  # nobody's: it holds nothing
        earlier.rename(store)
    with open_store(store, wait_s) as con, transaction(con):
        claim(con, source)
    return owner is not None


def _owner(store: Path, wait_s: float) -> str | None:
    """The source of a store; opened for writing once, so that the log is in the file and it can
    move.
    """
    if not store.exists():
        return None
    with open_store(store, wait_s) as con:
        con.execute("checkpoint").fetchall()
        return source_of(con)
