"""What a draft says: lines of a mapping with their evidence, notes, and what a person must say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sources.draft.doubts import Doubt


@dataclass(frozen=True)
class Line:
    """One setting: its place (source, files, columns, y), its value, and why."""

    place: tuple[str, ...]
    value: Any
    why: str


@dataclass(frozen=True)
class Draft:
    """A mapping as found. `doubts` are what a person must say first; `unused` names columns and
    files that were not mapped, each with the reason.
    """

    lines: tuple[Line, ...]
    doubts: tuple[Doubt, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()  # why no forecast can be made of these files, whoever decides

    @property
    def needs_a_person(self) -> list[Doubt]:
        """The doubts without which nothing runs."""
        return [doubt for doubt in self.doubts if doubt.is_needed]

    @property
    def values(self) -> dict[str, Any]:
        """The settings, nested by section."""
        return by_section((line.place, line.value) for line in self.lines)


def by_section(values: Iterable[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Values with their places, nested by section."""
    nested: dict[str, Any] = {}
    for (*sections, name), value in values:
        section = nested
        for outer in sections:
            section = section.setdefault(outer, {})
        section[name] = value
    return nested
