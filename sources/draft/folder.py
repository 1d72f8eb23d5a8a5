"""What each file of a folder is for: sales, plans, prices, a calendar, static, stock, supply, or
nothing.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from itertools import product
from pathlib import Path

from contract.errors import BadInput, SourceMissing
from runtime.file_names import fits
from sources.contents import is_junk
from sources.deliveries import files_in
from sources.draft.roles import Roles, find_roles
from sources.draft.series import can_be_id
from sources.draft.supplies import is_stock, kind_beside
from sources.draft.tables import SourceTable, joined, read_source
from sources.draft.words import says
from sources.tables import names_in

ROLES = ("ds", "y", "unique_id", "price", "promo", "stockout_share", "is_open")
_MOST_READ = 400  # files whose columns are looked at
_COUNTER = r"[\s_.\-()]*\d[\d\s_.\-()T]*$"  # dates and numbers at the end of a name


@dataclass(frozen=True)
class Folder:
    """The tables by what they are for. `root` is what source.path names."""

    root: Path
    sales: SourceTable
    pattern: str
    # plans, prices, calendar, static, stock, supply
    beside: dict[str, SourceTable] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)


def look_at(paths: Sequence[Path], choices: Mapping[str, str]) -> Folder:
    """The files, read and sorted. BadInput where none of them holds sales."""
    root, files, pattern = _files(paths)
    tables, unused = _read(files[:_MOST_READ], folder_of(root), choices)
    _check(choices, list(dict.fromkeys(name for one in tables for name in one.table.columns)))
    groups: dict[tuple[str, ...], list[SourceTable]] = {}
    for one in tables:
        groups.setdefault(_shape(one), []).append(one)
    kinds = {shape: _kind(group[0], choices) for shape, group in groups.items()}
    sales = [shape for shape, kind in kinds.items() if kind == "sales"]
    if not sales:
        raise BadInput(_no_sales(tables, unused, choices))
    main = max(sales, key=lambda shape: _likeness_to_sales(groups[shape]))
    own = groups[main]
    kinds |= {
        shape: kind
        for shape, group in groups.items()
        if shape != main and (kind := kind_beside(group[0]))
    }
    beside: dict[str, SourceTable] = {}
    for shape, group in groups.items():
        kind = kinds[shape]
        if shape == main:
            continue
        if kind in ("sales", "nothing") or kind in beside:
            unused |= {one.name: _why_unused(kind, beside) for one in group}
        else:
            beside[kind] = joined(group)
    pattern = pattern or pattern_of([one.path for one in own], names_in(folder_of(root)))
    return Folder(root, joined(own), pattern, beside, unused)


def _likeness_to_sales(group: Sequence[SourceTable]) -> tuple[bool, int]:
    """Of files that may all be sales, those of most rows are, but for those of stock."""
    return not is_stock(group[0]), sum(one.table.height for one in group)


def _why_unused(kind: str, beside: Mapping[str, SourceTable]) -> str:
    if kind == "sales":
        return "it has other columns than the file of sales with most rows"
    if kind == "nothing":
        return "it holds nothing that is read"
    return f"looks like {kind}, and so does '{beside[kind].name}': one is read. Join them."


def pattern_of(files: Sequence[Path], all_names: Sequence[str]) -> str:
    """A name pattern that fits these files and tomorrow's, and none of the others of the folder."""
    names = [file.name for file in files]
    stems = [name.split(".")[0] for name in names]
    common = _common(stems)
    prefix = re.sub(_COUNTER, "", common) or common
    marked = common[: len(prefix) + 1].rstrip(string.digits)
    others = [name for name in all_names if name not in names]
    for begin, end in product((prefix, marked, common), ("", _ending(names))):
        pattern = f"{escape(begin)}*{escape(end)}"
        if prefix and not any(fits(name, pattern) for name in others):
            return pattern
    if len(names) == 1:
        return escape(names[0])
    raise BadInput(
        f"no name pattern fits {names[:5]} alone: others of the folder fit it, too. Move the files "
        "of sales into a folder of their own."
    )


def folder_of(root: Path) -> Path:
    """The folder that source.path names, or in which the file lies that it names."""
    return root if root.is_dir() else root.parent


def _check(choices: Mapping[str, str], columns: list[str]) -> None:
    """BadInput for a column that is stated and is not there; '' says that there is none."""
    for role in ROLES:
        wrong = [name for name in choices.get(role, "").split("+") if name and name not in columns]
        if wrong:
            raise BadInput(
                f"--answer {role}: there is no column {wrong}; there are {columns[:30]}."
            )


def _files(paths: Sequence[Path]) -> tuple[Path, list[Path], str | None]:
    """source.path, the files in it, and their pattern where the folders say it."""
    for path in paths:
        if not path.exists():
            raise SourceMissing(
                f"there is no '{path}'; '{path.parent}' holds {names_in(path.parent)[:20]}."
            )
    if len(paths) == 1 and paths[0].is_file():
        return paths[0], [paths[0]], None
    if len(paths) == 1:
        return _files_of_folder(paths[0])
    roots = {path.parent for path in paths}
    if len(roots) > 1 or any(path.is_dir() for path in paths):
        raise BadInput(
            f"{[str(path) for path in paths]} do not lie in one folder; source.path names one. "
            "Put them into one folder and name that."
        )
    return roots.pop(), sorted(paths), None


def _files_of_folder(folder: Path) -> tuple[Path, list[Path], str | None]:
    own = sorted(path for path in folder.iterdir() if path.is_file() and not is_junk(path.name))
    if own:
        return folder, own, None
    parts = files_in(folder)
    if not parts:
        raise SourceMissing(f"'{folder}' holds no file; it holds {names_in(folder)[:20]}.")
    first = parts[0].relative_to(folder).parts[0]
    return folder, parts, f"{first.split('=')[0]}=*" if "=" in first else "*"


def _read(
    files: Sequence[Path], root: Path, choices: Mapping[str, str]
) -> tuple[list[SourceTable], dict[str, str]]:
    tables, unused = [], {}
    for file in files:
        try:
            tables.append(read_source(file, root, choices))
        except BadInput as error:
            if len(files) == 1:
                raise
            unused[file.name] = str(error)
    return tables, unused


def _shape(one: SourceTable) -> tuple[str, ...]:
    return tuple(sorted(one.table.columns))


def _kind(one: SourceTable, choices: Mapping[str, str]) -> str:
    roles = find_roles(one.columns, choices)
    is_named = any(says("item", name) or says("store", name) for name in one.columns)
    has_id = is_named or any(can_be_id(column) for column in roles.free)
    if "ds" not in roles.chosen:
        return "static" if has_id else "nothing"
    if _is_calendar(one, roles):
        return "calendar"
    if "y" in roles.chosen and (has_id or not _has_plan(roles)):
        return "sales"
    if not has_id:
        return "nothing"
    return "prices" if _is_price_file(one, roles) else "plans" if _has_plan(roles) else "nothing"


def _is_calendar(one: SourceTable, roles: Roles) -> bool:
    """A day a row (and region), and events or closures, but no units that are called so."""
    says_event = any(says("event", name) or says("is_closed", name) for name in one.columns)
    days = one.sample[roles.chosen["ds"]].n_unique()
    named = "y" in roles.chosen and says("units", roles.chosen["y"])
    return (
        says_event and not named and days >= 0.1 * one.sample.height and one.table.height < 20_000
    )


def _is_price_file(one: SourceTable, roles: Roles) -> bool:
    others = [name for name in one.columns if says("known_future", name)]
    return "price" in roles.chosen and "is_open" not in roles.chosen and not others


def _has_plan(roles: Roles) -> bool:
    planned = {"price", "promo", "is_open"} & set(roles.chosen)
    return bool(planned) or any(says("known_future", one.name) for one in roles.free)


def _no_sales(
    tables: Sequence[SourceTable], unused: Mapping[str, str], choices: Mapping[str, str]
) -> str:
    seen = []
    for one in tables[:3]:
        roles = find_roles(one.columns, choices)
        lacking = [
            what for role, what in (("ds", "a day"), ("y", "units")) if role not in roles.chosen
        ]
        shown = [column for column in one.columns.values() if not column.person][:8]
        columns = "; ".join(f"{column.name}: {column.shown}" for column in shown)
        seen.append(f"'{one.name}' has no column of {' or '.join(lacking or ['ids'])} ({columns})")
    seen += [f"{name}: {why}" for name, why in list(unused.items())[:3]]
    return (
        f"no file of sales was found. {'. '.join(seen)}. Sales need a day, units and an item or a "
        "store on every row; name columns with --answer ds=COLUMN, --answer y=COLUMN."
    )


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    end = next((at for at, sign in enumerate(first) if last[at : at + 1] != sign), len(first))
    return first[:end]


def _ending(names: Sequence[str]) -> str:
    endings = {"." + name.split(".", 1)[1] for name in names if "." in name}
    return endings.pop() if len(endings) == 1 else ""
