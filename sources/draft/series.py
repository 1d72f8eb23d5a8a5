"""What makes a series, and where it stands: its key, whether rows are receipt lines, its levels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from sources.draft.columns import ColumnFacts
from sources.draft.doubts import Doubt
from sources.draft.keys import (
    Key,
    Repeats,
    belonging,
    busiest_days,
    key_of,
    names_each,
    recurs,
    repeats_of,
    series_table,
    smallest_key,
    with_day,
)
from sources.draft.tables import SourceTable
from sources.draft.words import rank, says, slug

_MOST_CANDIDATES = 8
_MOST_GROUPS = 0.9  # of the series: more groups than that are no level


@dataclass(frozen=True)
class SeriesFacts:
    """`levels`: level and column; `names`: id column and the column that names it; `twins`: columns
    that run one to one with an id.
    """

    key: Key
    are_lines: bool
    why: str
    levels: dict[str, str] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)  # different values of a column

    @property
    def named_levels(self) -> dict[str, str]:
        """Level, or unique_id, and the column that says what each of its groups is called."""
        level_of = dict.fromkeys(self.key.columns, "unique_id")
        level_of |= {column: level for level, column in self.levels.items()}
        return {level_of[one]: column for one, column in self.names.items() if one in level_of}

    @property
    def upper_levels(self) -> list[str]:
        """The levels with several groups, and several series in one."""
        columns = self.levels.items()
        return [name for name, column in columns if 1 < self.groups[column] < self.key.series]


def find_series(
    source: SourceTable,
    day: str,
    days: pl.Series | None,
    columns: Sequence[ColumnFacts],
    stated: str | None,
) -> SeriesFacts | Doubt:
    """The series of a table of sales. `days`: those of its column `day`, None where nobody can read
    them yet; `columns` are those without a role; `stated`: the columns a person named, joined with
    '+'.
    """
    table = source.table
    rows = with_day(table, day) if days is None else table.with_columns(days.alias("(day)"))
    busy = busiest_days(rows)
    candidates = [one for one in columns if can_be_id(one)]
    if stated is not None:
        named = [name for name in stated.split("+") if name in table.columns]
        key, why = key_of(rows, named), "as stated"
    elif not candidates:
        return _no_series(table)
    else:
        named, why = _named(busy, candidates)
        key = _key(busy, named, candidates)
        if key is None:
            shown = tuple(one.name for one in candidates)
            text = f"no columns of {list(shown)} have one row a day. Which make a series (A+B)?"
            return Doubt("unique_id", text, shown)
        key = key_of(rows, key.columns)
    facts = _described(rows, key, columns, why)
    if key.is_unique or source.largest is None:
        return facts
    if not key_of(with_day(source.largest, day), key.columns).is_unique:
        return facts
    return replace(facts, are_lines=False, doubts=(_several_files(),))


def _no_series(table: pl.DataFrame) -> Doubt:
    return Doubt(
        "unique_id",
        f"no column of {table.columns[:12]} names an item or a store. Add one, even if it says the "
        "same on every row, like the shop's name.",
    )


def can_be_id(column: ColumnFacts) -> bool:
    """Whether a column may name things: texts and whole numbers, no receipts, no money."""
    name = column.name
    if column.person or column.filled < 0.98 or (says("receipt", name) and not _is_id_word(name)):
        return False
    if (
        column.is_moment
        or says("clock", name)
        or says("calendar", name)
        or (column.is_day and not column.is_bare)
    ):
        return False
    if column.is_number and not column.is_bare:
        return False
    if column.is_flag and not _is_id_word(name):
        return False
    measures = ("units", "revenue", "price", "past_only", "known_future", "promo")
    return _is_id_word(name) or not any(says(role, name) for role in measures)


def _is_id_word(name: str) -> bool:
    return says("item", name) or says("store", name)


def _named(busy: pl.DataFrame, candidates: list[ColumnFacts]) -> tuple[list[str], str]:
    """The item's and the store's column by their names, as far as there are such."""
    found = {}
    for role in ("store", "item"):
        own = [one for one in candidates if says(role, one.name) and one.name not in found.values()]
        if own:
            found[role] = _best_id(busy, own, role)
    names = [found[role] for role in ("item", "store") if role in found]
    return names, "named so" if names else "found by what is unique in a day"


def _best_id(busy: pl.DataFrame, columns: list[ColumnFacts], role: str) -> str:
    """Of several: a number before a name, one that is surely called so, then the coarsest."""

    def order(one: ColumnFacts) -> tuple[object, ...]:
        is_name = says("name", one.name) and not re.search(r"(?i)id|nr|code|num", one.name)
        is_level = any(says(level, one.name) for level in ("cat_id", "dept_id", "state_id"))
        return is_level, is_name, rank(role, one.name), busy[one.name].n_unique()

    return min(columns, key=order).name


def _key(busy: pl.DataFrame, named: list[str], candidates: list[ColumnFacts]) -> Key | None:
    """The named columns, with one more where a day then has one row each; without any, the smallest
    key. Of receipt lines no key is unique: the named columns.
    """
    others = [one.name for one in candidates if one.name not in named][:_MOST_CANDIDATES]
    if named and (key := key_of(busy, named)).is_unique:
        return key
    others = [name for name in others if recurs(busy, name)]
    if not named:
        return smallest_key(busy, others)
    return smallest_key(busy, others, named) or key


def _described(
    rows: pl.DataFrame, key: Key, columns: Sequence[ColumnFacts], why: str
) -> SeriesFacts:
    others = [one for one in columns if one.name not in key.columns and _can_be_group(one)]
    places = series_table(rows, key.columns, [one.name for one in others])
    own = belonging(places, key.columns, sorted((one.name for one in others), key=not_a_name))
    ids = {name: _role_of(name) for name in key.columns}
    twins, names, levels = {}, {}, {}
    codes = list(filter(not_a_name, own))
    for name in own:
        # a department's name stands beside its number as an item's does
        named = ids if not_a_name(name) else (*ids, *codes)
        twin = next((one for one in named if names_each(places, one, name)), None)
        if twin and (twin not in names) and _is_name(name, columns):
            names[twin] = name
        elif twin:
            twins[name] = twin
        elif 1 < places[name].n_unique() <= _MOST_GROUPS * key.series:
            levels[level_name(name, levels)] = name
    of_ids = {role or level_name(name, levels): name for name, role in ids.items()}
    shown = f"{why}: {key.series:,} series, {_per_row(key)}"
    groups = {name: places[name].n_unique() for name in places.columns}
    repeats = repeats_of(rows, key)
    doubts = (_twice(repeats),) if repeats.times > 1 else ()
    are_lines = not key.is_unique and not repeats.is_rare
    return SeriesFacts(key, are_lines, shown, {**levels, **of_ids}, doubts, names, twins, groups)


def _twice(repeats: Repeats) -> Doubt:
    text = (
        f"every row stands {repeats.times} times, word for word: exported twice (false), or lines "
        "to sum (true)?"
    )
    return Doubt("transactions", text, ("true", "false"))


def _several_files() -> Doubt:
    text = (
        "several files state the same day of the same series. Are they of several tills, to be "
        "summed (true), or does a later one correct an earlier one (false)? If each is another "
        "store's, neither: put each into a folder that says so (store=north/), and draft those."
    )
    return Doubt("transactions", text, ("true", "false"))


def _per_row(key: Key) -> str:
    if key.repeated == 0:
        return "one row each a day"
    return f"{key.repeated:.1%} of the rows stand again for their series and day"


def _role_of(name: str) -> str | None:
    for role in ("item", "store"):
        if says(role, name):
            return f"{role}_id"
    return None


def _can_be_group(column: ColumnFacts) -> bool:
    if column.person or column.filled < 0.98 or column.is_moment:
        return False
    if says("receipt", column.name) and not _is_id_word(column.name):
        return False
    return not (column.is_number and not column.is_bare)


def not_a_name(column: str) -> bool:
    """Sorts those first that call themselves names, in the order they stand."""
    return not says("name", column)


def _is_name(name: str, columns: Sequence[ColumnFacts]) -> bool:
    facts = next(one for one in columns if one.name == name)
    return not facts.is_number and not facts.is_bare


def level_name(column: str, taken: Mapping[str, str]) -> str:
    """What a level is called: by what its column's name says, else by the name itself."""
    for level in ("state_id", "dept_id", "cat_id"):
        if says(level, column) and level not in taken:
            return level
    plain = slug(column) or "group"
    plain = plain if plain.endswith("_id") else f"{plain}_id"
    place = 1
    while plain in taken:
        place += 1
        plain = f"{plain.removesuffix('_id').rstrip('0123456789_')}_{place}_id"
    return plain
