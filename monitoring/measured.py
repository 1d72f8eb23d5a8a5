"""What a signal measures of what arrived: daily sums by group, which parts add up, and what each
series brings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from contract.sums import summed_by_group
from contract.whole import Arrays
from monitoring.contributors import DAYS_OF_PARTS, Parts
from monitoring.signal import WHOLE, group_names
from monitoring.what_arrived import Arrived

RECENT = "recent"  # the name of the table of each series, among sums


@dataclass(frozen=True)
class Measured:
    """Daily sums of everything and of groups, (groups, days) each, and what single series bring."""

    groups: tuple[str, ...]
    sums: Arrays
    parts: Parts

    @property
    def mean(self) -> np.ndarray:
        """(groups, days) of the values that are known; NaN on days nothing is known of."""
        known = self.sums["known"]
        return np.where(known > 0, self.sums["sum"] / np.maximum(known, 1), np.nan)


def measured_by(
    seen: Arrived, of: str, columns: Sequence[str], make: Callable[[], tuple[Arrays, np.ndarray]]
) -> Measured:
    """As `measured`, of everything and of each group of the columns, in the order of `members`."""
    found = measured(seen, of, group_names(seen.series, columns), make)
    names = group_names(seen.whole.series(seen.series), columns)
    place = {name: at for at, name in enumerate(found.groups)}
    at = [place[name] for name in names]
    return replace(
        found, groups=tuple(names), sums={name: rows[at] for name, rows in found.sums.items()}
    )


def measured(
    seen: Arrived, of: str, groups: Sequence[str], make: Callable[[], tuple[Arrays, np.ndarray]]
) -> Measured:
    """What `make` gives, sums by group and the table of what each series brings, with the sums of
    all parts. `of`: its name.
    """

    def kept() -> Arrays:
        sums, table = make()
        return {**sums, RECENT: recent(table)}

    own = dict(seen.whole.kept(of, kept))
    parts = parts_of(seen, own.pop(RECENT))
    names, sums = summed_by_group(seen.whole, of, groups, own)
    return Measured(tuple(names), sums, parts)


def mean_of(
    seen: Arrived,
    of: str,
    make: Callable[[], np.ndarray],
    stated: Callable[[], np.ndarray] | None = None,
) -> Measured:
    """Whose `mean` is that of everything; `make` gives the (series, days) table. `stated`: where
    the source says anything of it, of which `says` is the count.
    """

    def sums() -> tuple[Arrays, np.ndarray]:
        table = make()
        known = np.isfinite(table)
        added = np.where(known, table, 0).sum(axis=0, dtype=np.float64)
        says = (stated() if stated else known).sum()
        arrays = {"sum": added[None], "known": known.sum(axis=0)[None], "says": np.array([says])}
        return arrays, table

    return measured(seen, of, [WHOLE], sums)


def recent(table: np.ndarray) -> np.ndarray:
    """The last weeks of a table, of which a signal's parts are kept."""
    return table[:, -DAYS_OF_PARTS:].astype(np.float32)


def parts_of(seen: Arrived, table: np.ndarray) -> Parts:
    """What each series brings to a signal: the last weeks of a table that ends with the panel."""
    first = seen.last - timedelta(days=table.shape[1] - 1)
    return Parts(first, seen.series, table)
