"""Files of totals: units of groups on days of which no sales of items are left."""

from __future__ import annotations

from pathlib import Path

from contract.params import FilesParams
from contract.received import Received
from sources.columns import TOTALS_KINDS, columns_of, csv_manner, manner_for, origins_of
from sources.headers import Wanted
from sources.mapping import map_table, received, spans_history
from sources.plans import with_known_at
from sources.scoped import half_named, naming_columns, scoped
from sources.tables import need_columns, read_table

_LINE = "source.files.totals_columns"


def read_totals(path: Path, files: FilesParams, history_span_days: int) -> list[Received]:
    """The totals of one file; a row's scope is what it names in source.files.totals_on, an empty
    cell or '*' being any value. Not mapped at all, its columns have the contract's names.
    """
    mapping = files.totals_columns or {"ds": "ds", "y": "y"}
    named, columns = naming_columns(files.totals_on), columns_of(mapping, TOTALS_KINDS, files)
    wanted = {origin for column in (*columns, *named) for origin in column.origin}
    table = read_table(path, csv_manner(files), Wanted(frozenset(wanted)))
    lines = origins_of(columns, _LINE) | origins_of(named, "source.files.totals_on")
    need_columns(table, lines, path.name)
    columns = [*named, *columns]
    manner = manner_for(table, columns, files)
    mapped = map_table(table, columns, manner, path.name, half_named(named))
    rows = with_known_at(scoped(mapped.rows, files.totals_on))
    is_history = spans_history(rows, history_span_days)
    return [received("totals", rows, mapped, is_history=is_history)]
