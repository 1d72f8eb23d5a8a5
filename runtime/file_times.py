"""Which of several files is newer: by the day in its name, or when it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# 2026-01-31, 20260131, 31.01.2026; a month or a year where there is no day
_DAY_IN_NAME = re.compile(
    r"(?<!\d)(?:(?:19|20)\d{2}[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[1-9]|[12]\d|3[01])[-_.](?:0[1-9]|1[0-2])[-_.](?:19|20)\d{2}"
    r"|(?:19|20)\d{2}(?:[-_.]?(?:0[1-9]|1[0-2]))?)(?!\d)"
)


def in_order_of_time(paths: Sequence[Path]) -> list[Path]:
    """The files from the oldest to the newest: by the day in their names where each names one,
    else by when they were written; never by name, but for a browser's `sales (1).csv`, which is
    newer than `sales.csv` of the same second.
    """
    days = [day_in(path.name) for path in paths]
    is_dated = all(days)
    keys = {
        path: (day if is_dated else "", _written_at(path), *_browser_number(path), path.name)
        for path, day in zip(paths, days, strict=True)
    }
    return sorted(paths, key=keys.__getitem__)


def day_in(name: str) -> str:
    """The last day (or month, or year) that a name holds, its year first and in digits alone; ""
    where it holds none.
    """
    found = ""
    for text in _DAY_IN_NAME.findall(name):
        digits = re.sub(r"\D", "", text)
        is_year_last = text[2:3] in "-_." and len(digits) == len("31012026")
        found = f"{digits[4:]}{digits[2:4]}{digits[:2]}" if is_year_last else digits
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
