"""The supply file: on which days is ordered, how long it takes, in what packs, at what cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from contract.params import FilesParams
from contract.received import Received
from sources import reasons
from sources.columns import SUPPLY_KINDS, columns_of, csv_manner, manner_for, origins_of
from sources.headers import Wanted
from sources.mapping import Mapped, map_table, received
from sources.plans import with_known_at
from sources.scoped import half_named, naming_columns, scoped
from sources.supply_words import lead_days_in, order_days_in
from sources.tables import need_columns, read_table


def read_supply(path: Path, files: FilesParams) -> list[Received]:
    """The supply file as one Received; a row's scope is what it names in source.files.supply_on,
    an empty cell or '*' being any value.
    """
    mapping = files.supply_columns or {name: name for name in SUPPLY_KINDS}
    named = naming_columns(files.supply_on)
    wanted = {one for c in [*columns_of(mapping, SUPPLY_KINDS, files), *named] for one in c.origin}
    table = read_table(path, csv_manner(files), Wanted(frozenset(wanted)))
    if not files.supply_columns:
        mapping = {name: name for name in SUPPLY_KINDS if name in table.columns}
    terms = columns_of(mapping, SUPPLY_KINDS, files)
    lines = origins_of(terms, "source.files.supply_columns")
    need_columns(table, lines | origins_of(named, "source.files.supply_on"), path.name)
    columns = [*named, *terms]
    manner = manner_for(table, columns, files)
    mapped = map_table(table, columns, manner, path.name, half_named(named))
    mapped = _canonical(mapped, "order_days", order_days_in, reasons.UNREADABLE_ORDER_DAYS)
    mapped = _canonical(mapped, "lead_days", lead_days_in, reasons.UNREADABLE_LEAD)
    rows = with_known_at(scoped(mapped.rows, files.supply_on))
    return [received("supply", rows, mapped, is_history=False)]


def _canonical(mapped: Mapped, name: str, read: Callable[[str], str | None], reason: str) -> Mapped:
    """The texts of a column as the contract writes them; rows whose text says nothing refused."""
    if name not in mapped.rows.columns:
        return mapped
    texts: Mapping[str, str | None] = {
        text: read(text) for text in mapped.rows[name].drop_nulls().unique()
    }
    unread = [text for text, written in texts.items() if written is None]
    mapped = mapped.refuse(pl.col(name).is_in(unread), reason)
    return mapped.with_rows(
        mapped.rows.with_columns(
            pl.col(name).replace_strict(dict(texts), default=None, return_dtype=pl.String)
        )
    )
