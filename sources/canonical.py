"""Files already in the contract's words: what the simulator drops, and the shape to export to if
you can choose.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contract.errors import BadInput
from contract.params import FilesParams
from contract.received import Received
from sources.columns import SALES_KINDS, Origin
from sources.files import read_plans, sales_of
from sources.moments import ISO
from sources.plans import read_calendar, read_prices
from sources.stock import read_stock
from sources.supply import read_supply
from sources.tables import need_columns, read_table
from sources.totals_of_groups import read_totals

OPENINGS = ("unique_id", "ds", "is_open", "known_at")  # of the series whose store says so ahead
LEVELS = ("state_id", "store_id", "cat_id", "dept_id", "item_id")
KEYS = ("unique_id", "ds", "y")
AS_WRITTEN_HERE = FilesParams(sales="", decimal=".", date_format=ISO)
_PLACING = AS_WRITTEN_HERE.model_copy(update={"hierarchy": {level: level for level in LEVELS}})


def read_canonical(path: Path, history_span_days: int) -> list[Received]:
    """A file `calendar*`, `prices*`, `openings*`, `sales*`, `totals*`, `supply*` or `stock*` whose
    columns have the contract's names; any other column is left.

    Sales and prices may hold the five levels; a row then needs all of them, as its series could not
    be placed otherwise.
    """
    for name, read in _READERS.items():
        if path.name.startswith(name):
            return read(path, history_span_days)
    raise BadInput(
        f"'{path.name}' does not say what it holds. Name it {', '.join(f'{n}*' for n in _READERS)}."
    )


def _sales(path: Path, history_span_days: int) -> list[Received]:
    table = read_table(path)
    need_columns(
        table,
        dict.fromkeys(KEYS, "source.kind (simulator takes the contract's names, files maps yours)"),
        path.name,
    )
    columns: dict[str, Origin | None] = {
        name: name for name in SALES_KINDS if name in table.columns
    }
    hierarchy = {level: level for level in LEVELS if level in table.columns}
    identity = FilesParams(
        sales="", decimal=".", date_format=ISO, columns=columns, hierarchy=hierarchy
    )
    return sales_of(table, path.name, identity, history_span_days)


def _calendar(path: Path, _: int) -> list[Received]:
    return read_calendar(path, AS_WRITTEN_HERE)


def _prices(path: Path, _: int) -> list[Received]:
    return read_prices(path, _PLACING, None, LEVELS)


def _openings(path: Path, _: int) -> list[Received]:
    stated: dict[str, Origin | None] = {name: name for name in OPENINGS}
    files = FilesParams(sales="", decimal=".", date_format=ISO, columns=stated)
    return read_plans(path, files, OPENINGS)


def _totals(path: Path, history_span_days: int) -> list[Received]:
    files = AS_WRITTEN_HERE.model_copy(update={"totals_on": _named(path, LEVELS)})
    return read_totals(path, files, history_span_days)


def _stock(path: Path, history_span_days: int) -> list[Received]:
    return read_stock(path, AS_WRITTEN_HERE, history_span_days)


def _supply(path: Path, _: int) -> list[Received]:
    named = _named(path, ("unique_id", *LEVELS))
    return read_supply(path, AS_WRITTEN_HERE.model_copy(update={"supply_on": named}))


def _named(path: Path, names: tuple[str, ...]) -> dict[str, str | list[str]]:
    """Those of these columns that a file has: they say which series its rows hold for."""
    columns = read_table(path).columns
    return {name: name for name in names if name in columns}


_READERS: dict[str, Callable[[Path, int], list[Received]]] = {
    "calendar": _calendar,
    "prices": _prices,
    "openings": _openings,
    "sales": _sales,
    "totals": _totals,
    "supply": _supply,
    "stock": _stock,
}
