"""Which of several files is newer: by the day in its name, or when it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# 2026-01-31, 20260131; 31.01.2026 or 01-31-2026; a month or a year where there is no day
_DAY_IN_NAME = re.compile(
    r"(?<!\d)(?:((?:19|20)\d{2}[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01]))"
    r"|(\d{2})([-_.])(\d{2})[-_.]((?:19|20)\d{2})"
    r"|((?:19|20)\d{2}(?:[-_.]?(?:0[1-9]|1[0-2]))?))(?!\d)"
)


def in_order_of_time(paths: Sequence[Path]) -> list[Path]:
    """The files from the oldest to the newest: by the day in their names where each names one and
    both ways to read 03-04-2026 say the same order, else by when they were written; never by name,
    but for a browser's `sales (1).csv`, which is newer than `sales.csv` of the same second.
    """
    written = {path: (_written_at(path), *_browser_number(path), path.name) for path in paths}
    by_writing = sorted(paths, key=written.__getitem__)
    orders = []
    for is_us in (False, True):
        days = {path: _day_in(path.name, is_us=is_us) for path in paths}
        if all(days.values()):
            orders.append(sorted(by_writing, key=days.__getitem__))
    if not orders or orders[0] != orders[-1]:
        return by_writing
    return orders[0]


def day_in(name: str) -> str:
    """The last day (or month, or year) that a name holds, its year first and in digits alone; ""
    where it holds none. Of 03-04-2026 the day stands first.
    """
    return _day_in(name, is_us=False) or _day_in(name, is_us=True)


def _day_in(name: str, *, is_us: bool) -> str:
    """The same, read with the month first in the US; "" where a part of a name is no day then.
    Before dots the day stands first anywhere.
    """
    found = ""
    for year_first, one, mark, other, year, alone in _DAY_IN_NAME.findall(name):
        found = re.sub(r"\D", "", year_first or alone)
        if year:
            day, month = (other, one) if is_us and mark != "." else (one, other)
            if not ("01" <= month <= "12" and "01" <= day <= "31"):
                return ""
            found = f"{year}{month}{day}"
    return found


def _browser_number(path: Path) -> tuple[str, int]:
    number = re.search(r" ?\((\d{1,4})\)(?=\.|$)", path.name)
    if number is None:
        return path.name, 0
    return path.name.replace(number[0], "", 1), int(number[1])


def _written_at(path: Path) -> int:
    """Nanoseconds; 0 for a file that went away meanwhile, which the next run takes."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
