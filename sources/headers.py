"""Which line of a table is its header, and what its columns are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import BadInput

MOST_COLUMNS = 10_000  # M5's wide file has 1,947
LINES_LOOKED_AT = 60  # a header stands among the first of them
NAMELESS = "(nameless "  # how a column without a name is called until it is dropped
# a day, however it is written: 2024-01-31, 31.1.24, 1/31/2024 00:00, 20240131, 31 Jan 2024
_DAY = re.compile(
    r"(?:\D{2,9}[\s,]\s*)?"
    r"(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|\d{1,2}[.\s-]+[^\W\d]{3,9}\.?[\s-]+\d{2,4})"
    r"(?:[T\s]\s*00:00(?::00(?:\.0+)?)?)?"
)


@dataclass(frozen=True)
class Wanted:
    """What a mapping looks for in a table; by these names a header is known from a title.

    `day` and `units`: the columns that a wide table, with a column per day, does not have.
    `labels`: what is taken along where it is there.
    """

    names: frozenset[str]
    day: str | None = None
    units: str | None = None
    are_lines: bool = False  # rows are invoice lines, summed
    labels: frozenset[str] = frozenset()


def is_day(name: str) -> bool:
    """Whether a column's name is a day."""
    return _DAY.fullmatch(name) is not None


def day_columns(names: Sequence[str], wanted: Wanted | None) -> list[str]:
    """The columns of a wide table that are days; none where the wanted day and units are there."""
    if wanted is None or not wanted.day or not wanted.units:
        return []
    if wanted.day in names or wanted.units in names:
        return []
    return [name for name in names if is_day(name)]


def found(names: Sequence[str], wanted: Wanted) -> frozenset[str]:
    """Which wanted columns a table of these names has; days as columns stand for day and units."""
    there = wanted.names & set(names)
    if there and day_columns(names, wanted):
        there |= {wanted.day or "", wanted.units or ""}
    return there


def fits(names: Sequence[str], wanted: Wanted | None) -> bool:
    """Whether a table of these names can be what is looked for: it has its days and its units."""
    if wanted is None:
        return True
    there = found(names, wanted)
    return bool(there) and {name for name in (wanted.day, wanted.units) if name} <= there


def header_place(rows: Sequence[Sequence[str]], wanted: Wanted | None) -> tuple[int, int]:
    """The place of the row that holds most of the wanted names, and how many; the first row with
    anything in it where none holds any.
    """
    filled = [place for place, row in enumerate(rows) if any(row)]
    if not filled:
        return 0, 0
    if wanted is None:
        return filled[0], 0
    counts = {place: len(found(rows[place], wanted)) for place in filled}
    best = max(filled, key=lambda place: (counts[place], -place))
    return best, counts[best]


def column_names(fields: Sequence[str], wanted: Wanted | None, name: str) -> list[str]:
    """A header's fields as names of columns, each once. BadInput for a wanted name that repeats.

    One without a name is called NAMELESS and its place; one that repeats and nobody wants, too: no
    mapping can mean it.
    """
    if len(fields) > MOST_COLUMNS:
        raise BadInput(
            f"'{name}' has {len(fields)} columns; {MOST_COLUMNS} at most, "
            "this is no table of sales. Check the line ends."
        )
    counts = Counter(field for field in fields if field)
    days = set(day_columns(fields, wanted))
    repeated = sorted(
        field
        for field, count in counts.items()
        if count > 1 and (wanted is None or field in wanted.names or field in days)
    )
    if repeated:
        raise BadInput(
            f"'{name}' has two columns called {repeated}; its header is {shortened(fields)}. "
            "Rename one of them."
        )
    met: set[str] = set()
    names = []
    for place, field in enumerate(fields, start=1):
        names.append(field if field and field not in met else f"{NAMELESS}{place})")
        met.add(field)
    return names


def shortened(names: Sequence[str], most: int = 30) -> list[str]:
    """The names for a message: the first of them, each cut."""
    cut = [name if len(name) <= 60 else f"{name[:60]}..." for name in names[:most]]
    return cut if len(names) <= most else [*cut, f"and {len(names) - most} more"]
