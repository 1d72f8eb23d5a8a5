"""Files of stock and of supply beside the sales: known by their columns and names, and mapped."""

from __future__ import annotations

from contract.frames import TERMS
from runtime.file_times import day_in
from sources.draft.findings import Line
from sources.draft.lines import FILES
from sources.draft.roles import find_roles
from sources.draft.series import SeriesFacts
from sources.draft.tables import SourceTable
from sources.draft.words import says

Mapped = tuple[list[Line], str]  # lines, or why there are none
_TELLING = ("lead_days", "order_days", "min_order")  # no file of another kind has them


def kind_beside(one: SourceTable) -> str | None:
    """Whether a file that is not the sales is `stock` or `supply`; None for another."""
    if _supply_columns(one) and (
        any(says(term, name) for term in _TELLING for name in one.columns)
        or says("supply", one.path.stem)
    ):
        return "supply"
    return "stock" if is_stock(one) else None


def is_stock(one: SourceTable) -> bool:
    """Whether a file says what is in hand or on order, and nothing of what was sold."""
    names = _stock_columns(one)
    others = [column for column in one.columns if column not in names.values()]
    has_day = "ds" in names or bool(day_in(one.path.name))
    is_said = bool({"on_hand", "on_order"} & names.keys())
    return has_day and is_said and not any(says("units", name) for name in others)


def stock_lines(one: SourceTable, series: SeriesFacts) -> Mapped:
    """source.files.stock_columns."""
    found = _stock_columns(one)
    ids = [same_column(one, name) for name in series.key.columns]
    if None in ids:
        return [], f"it lacks one of {list(series.key.columns)}, by which its rows find a series."
    if not {"on_order", "due_ds"} <= found.keys():  # what is on order needs both
        found = {role: found[role] for role in ("ds", "on_hand") if role in found}
    if not {"on_hand", "on_order"} & found.keys():
        return [], "none of its columns says when what is on order is due."
    place = (*FILES, "stock_columns")
    key = ids if len(ids) > 1 else ids[0]
    lines = [Line((*place, role), name, one.columns[name].shown) for role, name in found.items()]
    head = Line(FILES, None, f"{one.table.height:,} rows of stock")
    return [head, Line((*place, "unique_id"), key, "as in the sales"), *lines], ""


def supply_lines(one: SourceTable, series: SeriesFacts) -> Mapped:
    """source.files.supply_columns and supply_on."""
    named = {level: same_column(one, column) for level, column in series.levels.items()}
    on: dict[str, object] = {level: column for level, column in named.items() if column}
    ids = [same_column(one, column) for column in series.key.columns]
    if not on and None not in ids:
        on = {"unique_id": ids if len(ids) > 1 else ids[0]}
    if not on and one.table.height > 1:
        return [], "none of its columns says for which series its rows hold."
    head = Line(FILES, None, f"{one.table.height:,} rows of supply")
    terms = [
        Line((*FILES, "supply_columns", term), name, one.columns[name].shown)
        for term, name in _supply_columns(one).items()
    ]
    columns = [
        Line((*FILES, "supply_on", name), column, "as in the sales") for name, column in on.items()
    ]
    return [head, *terms, *columns], ""


def same_column(one: SourceTable, name: str) -> str | None:
    """The column of this table that means the same as one of the sales."""
    if name in one.columns:
        return name
    role = next((role for role in ("item", "store") if says(role, name)), None)
    return next((other for other in one.columns if role and says(role, other)), None)


def _stock_columns(one: SourceTable) -> dict[str, str]:
    """ds, on_hand, on_order, due_ds: those of them that the file has."""
    roles = find_roles(one.columns, {})
    numbers = [name for name, column in one.columns.items() if column.is_number]
    days = [name for name, column in one.columns.items() if column.is_day]
    found = {
        "on_order": next((name for name in numbers if says("on_order", name)), None),
        "due_ds": next((name for name in days if says("due_ds", name)), None),
        "on_hand": next(
            (n for n in numbers if says("on_hand", n) and not says("on_order", n)), None
        ),
    }
    if found["on_hand"] is None and says("on_hand", one.path.stem):
        found["on_hand"] = roles.chosen.get("y")
    own = [name for name in days if name not in found.values() and name not in numbers]
    day = roles.chosen.get("ds")
    found["ds"] = day if day in own else next(iter(own), None)
    return {role: name for role, name in found.items() if name}


def _supply_columns(one: SourceTable) -> dict[str, str]:
    """By term the first column that says it and fits."""
    found: dict[str, str] = {}
    for term, kind in TERMS.items():
        for name, column in one.columns.items():
            is_fitting = column.is_day if term == "first_order" else True
            is_fitting &= column.is_number or str(kind) != "Float64"
            if says(term, name) and is_fitting and name not in found.values():
                found.setdefault(term, name)
    return found
