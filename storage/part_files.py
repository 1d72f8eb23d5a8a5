"""Rows by series, laid into a folder for each part of a panel in one pass over them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from contract.frames import FrameContract
from contract.panel import Panel
from storage.connection import Connection, registered
from storage.schema import quoted_text

# rows of a part that DuckDB holds for each of its threads; its own half a million are gigabytes
# where parts are many
HELD_ROWS = "set partitioned_write_flush_threshold = 100000"
_COPY = """
copy (select fact.*, part from ({query}) fact join part_of_series using (unique_id))
to {folder} (format parquet, compression lz4, partition_by (part))"""


@dataclass(frozen=True)
class Laid:
    """A folder of what was laid so far, by `parts` (unique_id, part: 0, 1, ...)."""

    folder: Path
    parts: pl.DataFrame
    contracts: dict[str, FrameContract] = field(default_factory=dict)
    earlier: dict[str, FrameContract] = field(default_factory=dict)  # by the fact they were of

    def lay_query(
        self,
        con: Connection,
        contract: FrameContract,
        query: str,
        params: Mapping[str, object],
        *,
        of: str | None = None,
    ) -> None:
        """The rows of a query; `of`: the fact whose earlier versions they are."""
        to = self.folder / contract.name
        to.mkdir(parents=True)
        with registered(con, part_of_series=self.parts):
            con.execute(HELD_ROWS).fetchall()
            statement = _COPY.format(query=query, folder=quoted_text(str(to)))
            con.execute(statement, params).fetchall()
        self._note(contract, of)

    def lay_file(self, contract: FrameContract, path: Path, *, of: str | None = None) -> None:
        """The rows of a Parquet file; `of` as in `lay_query`."""
        by_part = pl.scan_parquet(path, glob=False).join(
            self.parts.lazy(), on="unique_id", how="inner"
        )
        target = pl.PartitionBy(self.folder / contract.name, key="part", include_key=False)
        by_part.sink_parquet(target, mkdir=True, compression="lz4")
        self._note(contract, of)

    def panels(
        self, shared: Mapping[str, pl.DataFrame], series: pl.DataFrame, name: str
    ) -> Iterator[Panel]:
        """A panel of this name for each part in turn, of its series and rows, and the frames that
        all parts read. The folder goes with the last one.
        """
        for (part,), own in sorted(self.parts.group_by("part"), key=lambda of: of[0]):
            members = series.join(own, on="unique_id", how="semi", maintain_order="left")
            # no name for it here: it would be held while the next one is read
            yield self._panel(part, {**shared, "series": members}, name)
        shutil.rmtree(self.folder)

    def _panel(self, part: object, known: Mapping[str, pl.DataFrame], name: str) -> Panel:
        frames: dict[str, Any] = {
            **known,
            **{of: self._read(contract, part) for of, contract in self.contracts.items()},
            "superseded": {of: self._read(own, part) for of, own in self.earlier.items()},
        }
        return Panel(**frames, hash=name)

    def _note(self, contract: FrameContract, of: str | None) -> None:
        (self.contracts if of is None else self.earlier)[of or contract.name] = contract

    def _read(self, contract: FrameContract, part: object) -> pl.DataFrame:
        """The rows of one part, sorted by key."""
        files = sorted((self.folder / contract.name / f"part={part}").glob("*.parquet"))
        if not files:
            return contract.empty()
        rows = pl.read_parquet(files, glob=False, hive_partitioning=False)
        return contract.conform(rows).sort(contract.key)
