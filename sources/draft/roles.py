"""Which column means what: among those that can, the one whose name says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sources.draft.columns import ColumnFacts
from sources.draft.doubts import Doubt
from sources.draft.words import parts_of, rank, says

Columns = Mapping[str, ColumnFacts]
_LAST = 9  # rank of a name that says nothing
_WHOLE = 0.95  # share of rows that a day stands on
_LEAST_WITHOUT = 0.3  # share of rows without a promotion: a number on every row is none
_MOST = 0.8  # share of rows that a price or a promotion stands on


@dataclass
class Roles:
    """The columns by role, while they are found. `choices` are a person's: they come first."""

    columns: Columns
    choices: Mapping[str, str]
    chosen: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def free(self) -> list[ColumnFacts]:
        """The columns that have no role yet and may have one."""
        taken = set(self.chosen.values())
        return [one for one in self.columns.values() if one.name not in taken and not one.person]

    def choose(self, role: str, column: ColumnFacts, why: str) -> None:
        """A role given to a column."""
        self.chosen[role] = column.name
        self.why[role] = why

    def is_stated(self, role: str) -> bool:
        """Whether a person has named the column of this role, or said that there is none."""
        if role not in self.choices:
            return False
        name = self.choices[role]
        if name in self.columns:
            self.choose(role, self.columns[name], f"as stated; {self.columns[name].shown}")
        return True


def find_roles(columns: Columns, choices: Mapping[str, str]) -> Roles:
    """Day, units and what stands beside them on every row."""
    roles = Roles(columns, choices)
    _find_day(roles)
    _find_units(roles)
    for role in ("price", "promo", "stockout_share", "is_open"):
        if not roles.is_stated(role):
            _find_optional(roles, role)
    return roles


def _find_day(roles: Roles) -> None:
    if roles.is_stated("ds"):
        return
    days = [one for one in roles.free if one.is_day]
    bare = [one for one in days if one.is_bare and not _day_rank(one) < _LAST]
    days = [one for one in days if one not in bare] or [one for one in bare if one.day >= 0.99]
    if not days:
        return
    days = [one for one in days if one.filled >= _WHOLE] or days
    best = min(_day_rank(one) for one in days)
    first = [one for one in days if _day_rank(one) == best]
    several = [one for one in first if one.distinct > 1] or first
    if len(several) > 1 and best == _LAST:
        roles.doubts.append(_which("ds", "the day of the sale", several))
    why = f"{several[0].day:.1%} read as days"
    if several[0].doubt("date_format"):
        why = "days, once it is said how they are written"
    roles.choose("ds", several[0], f"{why}: {several[0].shown}{_beside(days, several[0])}")


def _day_rank(column: ColumnFacts) -> int:
    found = rank("day", column.name)
    if found is None:
        return _LAST
    return found + 3 if says("not_day", column.name) else found


def _find_units(roles: Roles) -> None:
    if roles.is_stated("y"):
        return
    numbers = [one for one in roles.free if one.is_number]
    ranks = {one.name: _units_rank(one) for one in numbers}
    numbers = [one for one in numbers if ranks[one.name] is not None]
    if not numbers:
        return
    best = min(ranks[one.name] or 0 for one in numbers)
    first = [one for one in numbers if ranks[one.name] == best]
    numbers = [one for one in numbers if (ranks[one.name] or 0) < _LAST - 1 or one in first]
    if best >= _LAST:
        first = [one for one in first if not _is_id_like(one)] or first
    if len(first) > 1:
        what = "the units sold"
        if best >= _LAST:
            what += " (a column per item must be turned into rows: day, item, units)"
        roles.doubts.append(_which("y", what, first))
    chosen = first[0]
    what = "money, as no column of units was found: " if best == _LAST - 1 else ""
    why = (
        f"{what}{chosen.number:.1%} read as numbers, {chosen.whole:.0%} whole, "
        f"{chosen.negative:.1%} negative: {chosen.shown}"
    )
    roles.choose("y", chosen, f"{why}{_beside(numbers, chosen)}")


def _units_rank(column: ColumnFacts) -> int | None:
    """0 to 2: its name says units; 8: money; 9: nothing; None: it says another thing."""
    name = column.name
    found = rank("units", name)
    if says("revenue", name):
        return found if found == 0 and not says("price", name) else _LAST - 1
    others = ("price", "promo", "stockout_share", "is_open", "is_closed", "past_only", "day")
    if says("not_units", name) or any(says(other, name) for other in others):
        return None
    is_id = any(says(role, name) for role in ("item", "store", "receipt", "cat_id", "dept_id"))
    if found is not None and (not is_id or found < 2):
        return found
    if found is not None:
        return _LAST - 2 if len(parts_of(name)) > 1 else None  # store_sales, but no Verkaufsstelle
    return None if is_id or column.is_flag or says("known_future", name) else _LAST


def _is_id_like(column: ColumnFacts) -> bool:
    return column.is_bare and column.largest >= 10_000


def _find_optional(roles: Roles, role: str) -> None:
    found = [(rank(role, one.name), one) for one in roles.free if rank(role, one.name) is not None]
    if role == "is_open":
        found += [(1, one) for one in roles.free if says("is_closed", one.name)]
    fitting = [(place, one) for place, one in found if _can_be(role, one)]
    if role == "price":
        fitting = [(place + 3 * says("not_price", one.name), one) for place, one in fitting]
        fitting = [(place, one) for place, one in fitting if not says("revenue", one.name) or place]
    if not fitting:
        return
    chosen = min(fitting, key=lambda one: one[0])[1]
    read = f"{chosen.flag:.1%} read as yes or no" if chosen.is_flag else _as_numbers(chosen)
    also = _beside([one for _, one in fitting], chosen)
    roles.choose(role, chosen, f"{read}: {chosen.shown}{also}")


def _as_numbers(column: ColumnFacts) -> str:
    return f"{column.number:.1%} read as numbers"


def _can_be(role: str, column: ColumnFacts) -> bool:
    """Whether a column's fields allow this role. What never changes says nothing."""
    if column.distinct < 2 or (column.filled < _MOST and not column.is_flag):
        return False
    match role:
        case "price":
            return column.is_number and column.negative < 0.01 and not column.is_flag
        case "stockout_share":
            return column.is_flag or (column.is_number and column.largest <= 1)
        case "is_open":
            return column.is_flag and column.filled == 1.0
    is_rare = column.is_number and column.zero >= _LEAST_WITHOUT and not _is_id_like(column)
    return column.is_flag or is_rare


def _which(role: str, what: str, columns: list[ColumnFacts]) -> Doubt:
    shown = "; ".join(f"'{one.name}' ({one.shown})" for one in columns)
    text = f"several columns could be {what}: {shown}. Which one is it?"
    return Doubt(role, text, tuple(one.name for one in columns))


def _beside(columns: list[ColumnFacts], chosen: ColumnFacts) -> str:
    others = [one.name for one in columns if one is not chosen]
    return f"; beside it could be {others[:4]}" if others else ""
