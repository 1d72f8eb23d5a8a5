"""Parts of a panel as files: which stores lie in which, how one is written, and read back.

Under one folder: `part-0007/` holds the frames of a part (and earlier versions of plans, where
there are any), beside them lie those that all parts read (`series`, `calendar`, `totals`,
`arrivals`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contract.feeds import FEED_COLUMN
from contract.frames import FACTS, earlier_of
from contract.panel import Panel
from contract.scopes import is_of_nobody
from contract.whole import ALONE, ARRIVALS, Whole, arrivals_of

OF_PART = ("sales", "prices", "covariates", "before")
OF_ALL = ("calendar", "totals", "arrivals")


@dataclass(frozen=True)
class Parts:
    """A folder of so many parts."""

    folder: Path
    count: int

    def part(self, number: int) -> Path:
        """The folder of one part's frames."""
        return self.folder / f"part-{number:04d}"

    def results(self, work: str, number: int) -> Path:
        """The folder of what some work made of a part."""
        return self.folder / work / f"part-{number:04d}"

    def all_results(self, work: str) -> list[Path]:
        """The folders of what some work made of every part, in their order."""
        return [self.results(work, number) for number in range(self.count)]

    def series(self) -> pl.DataFrame:
        """SERIES of all parts."""
        return pl.read_parquet(self.folder / "series.parquet", glob=False)

    def outline(self, whole: Whole = ALONE) -> Panel:
        """A panel of all series without a row, that knows the days and the name of the whole; and
        totals, where `whole` does.
        """
        empty: dict[str, Any] = {
            name: pl.read_parquet(self.part(0) / f"{name}.parquet", n_rows=0, glob=False)
            for name in OF_PART
        }
        return self._panel(empty | {"series": self.series()}, whole)

    def read(self, number: int, whole: Whole) -> Panel:
        """One part, with what it must know of the whole; shut days stated."""
        frames: dict[str, Any] = {
            name: pl.read_parquet(self.part(number) / f"{name}.parquet", glob=False)
            for name in (*OF_PART, "series")
        }
        earlier = {fact: self.part(number) / _file_of_earlier(fact) for fact in FACTS}
        frames["superseded"] = {
            fact: pl.read_parquet(file, glob=False)
            for fact, file in earlier.items()
            if file.exists()
        }
        return self._panel(frames, whole).with_shut_days()

    def _panel(self, frames: dict[str, Any], whole: Whole) -> Panel:
        """These frames, with those that all parts read."""
        shared: dict[str, Any] = {
            name: pl.read_parquet(self.folder / f"{name}.parquet", glob=False) for name in OF_ALL
        }
        name_of_all = (self.folder / "hash").read_text(encoding="ascii")
        return Panel(**frames, **shared, hash=name_of_all, whole=whole)


def most_parts(series: pl.DataFrame) -> int:
    """Into how many parts series can be taken: their stores, or each alone where none is named."""
    return series[FEED_COLUMN].n_unique() if FEED_COLUMN in series.columns else series.height


def part_of_series(series: pl.DataFrame, rows: Mapping[str, int], count: int) -> pl.DataFrame:
    """unique_id, part: whole stores, the largest first into the part that has least; of a source
    without stores by a hash of the name. Parts are numbered without gaps. `rows`: of each store,
    how many rows it has.
    """
    ids = series["unique_id"]
    if FEED_COLUMN not in series.columns:
        drawn = pl.Series([_drawn(name) % count for name in ids], dtype=pl.Int64)
        # of few series a hash may leave a part without any: there is no such part
        return pl.DataFrame({"unique_id": ids, "part": drawn.rank("dense").cast(pl.Int64) - 1})
    load = [0] * count
    part: dict[str, int] = {}
    stores = series[FEED_COLUMN].unique().sort()
    for store in sorted(stores, key=lambda name: (-rows.get(name, 0), name)):
        part[store] = load.index(min(load))
        load[part[store]] += max(rows.get(store, 0), 1)
    return series.select(
        "unique_id", part=pl.col(FEED_COLUMN).replace_strict(part, return_dtype=pl.Int64)
    )


def _drawn(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def write_parts(folder: Path, panels: Iterator[Panel], series: pl.DataFrame) -> Parts:
    """The panels of some series each, as they come, and what all of them read. They must not state
    shut days yet: of a source with one feed all parts say together which those are.
    """
    arrivals, count, of_all = [], 0, None
    while (panel := next(panels, None)) is not None:
        part = Parts(folder, count).part(count)
        part.mkdir(parents=True)
        for name in (*OF_PART, "series"):
            frame: pl.DataFrame = getattr(panel, name)
            frame.write_parquet(part / f"{name}.parquet", compression="lz4")
        for name, frame in panel.superseded.items():
            frame.write_parquet(part / _file_of_earlier(name), compression="lz4")
        arrivals.append(arrivals_of(panel.sales, panel.series))
        count += 1
        of_all = panel.calendar, panel.totals, panel.hash
        panel = None  # before the next one is read
    if of_all is None:
        return Parts(folder, 0)
    calendar, totals, panel_hash = of_all
    shared = {
        "calendar": calendar,
        "totals": totals.filter(~is_of_nobody(series)),
        "arrivals": _summed(arrivals),
        "series": series,
    }
    for name, frame in shared.items():
        frame.write_parquet(folder / f"{name}.parquet")
    (folder / "hash").write_text(panel_hash, encoding="ascii")
    return Parts(folder, count)


def _file_of_earlier(fact: str) -> str:
    return f"{earlier_of(FACTS[fact]).name}.parquet"


def _summed(arrivals: list[pl.DataFrame]) -> pl.DataFrame:
    """One feed may have rows in several parts."""
    sums = pl.concat(arrivals).group_by(ARRIVALS.key).agg(pl.all().sum())
    return ARRIVALS.conform(sums).sort(ARRIVALS.key)
