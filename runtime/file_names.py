"""Patterns of file names, which are the same in capitals: SALES_1.CSV is one of sales*.csv."""

from __future__ import annotations

from fnmatch import fnmatchcase


def fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern (*, ?, [ab]); case does not matter, on any system."""
    return fnmatchcase(name.casefold(), pattern.casefold())
