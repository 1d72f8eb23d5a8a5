"""Files already in the contract's words: what the simulator drops, and the shape to export to if
you can choose.
"""

from __future__ import annotations

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

OPENINGS = ("unique_id", "ds", "is_open", "known_at")  # of the series whose store says so ahead
LEVELS = ("state_id", "store_id", "cat_id", "dept_id", "item_id")
KEYS = ("unique_id", "ds", "y")
AS_WRITTEN_HERE = FilesParams(sales="", decimal=".", date_format=ISO)
_PLACING = AS_WRITTEN_HERE.model_copy(update={"hierarchy": {level: level for level in LEVELS}})


def read_canonical(path: Path, history_span_days: int) -> list[Received]:
    """A file `calendar*`, `prices*`, `openings*`, `sales*`, `supply*` or `stock*` whose columns
    have the contract's names; any other column is left.

    Sales and prices may hold the five levels; a row then needs all of them, as its series could not
    be placed otherwise.
    """
    if path.name.startswith("calendar"):
        return read_calendar(path, AS_WRITTEN_HERE)
    if path.name.startswith("prices"):
        return read_prices(path, _PLACING, None, LEVELS)
    if path.name.startswith("openings"):
        stated: dict[str, Origin | None] = {name: name for name in OPENINGS}
        files = FilesParams(sales="", decimal=".", date_format=ISO, columns=stated)
        return read_plans(path, files, OPENINGS)
    if path.name.startswith("stock"):
        return read_stock(path, AS_WRITTEN_HERE, history_span_days)
    if path.name.startswith("supply"):
        return read_supply(path, AS_WRITTEN_HERE.model_copy(update={"supply_on": _named(path)}))
    if not path.name.startswith("sales"):
        raise BadInput(
            f"'{path.name}' does not say what it holds. "
            "Name it sales*, calendar*, prices*, openings*, supply* or stock*."
        )
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


def _named(path: Path) -> dict[str, str | list[str]]:
    """The columns of a supply file that say which series its rows hold for."""
    columns = read_table(path).columns
    return {name: name for name in ("unique_id", *LEVELS) if name in columns}
