"""What some series are given while a model forecasts, named by series and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from features.dense_panel import DensePanel
from features.frame import Rows

KEY = ["unique_id", "ds"]


@dataclass
class ServedRows:
    """What a model is given for these series, filled while it forecasts.

    Of a recursive forecast the first pass alone.
    """

    unique_ids: list[str]
    last_known: date | None = None
    parts: list[pl.DataFrame] = field(default_factory=list)

    def passing(
        self, dense: DensePanel, rows: Rows, frames: Iterator[pl.DataFrame]
    ) -> Iterator[pl.DataFrame]:
        """The frames, untouched; the rows of these series among them are kept."""
        first = 0
        for frame in frames:
            self._take(dense, rows.slice(first, first + frame.height), frame)
            first += frame.height
            yield frame

    def _take(self, dense: DensePanel, rows: Rows, frame: pl.DataFrame) -> None:
        last_known = dense.days.first + timedelta(days=dense.last_known)
        self.last_known = self.last_known or last_known
        if self.last_known == last_known:
            wanted = dense.series["unique_id"].is_in(self.unique_ids).to_numpy()[rows.series_ix]
            if wanted.any():
                self.parts.append(
                    named_rows(dense, rows.where(wanted), frame.filter(pl.Series(wanted)))
                )

    def frame(self) -> pl.DataFrame:
        """unique_id, ds and every feature; sorted by series and day."""
        return pl.concat(self.parts).sort(KEY)


def named_rows(dense: DensePanel, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
    """The features behind the key of their row."""
    days = pl.date_range(
        dense.days.first, dense.days.first + timedelta(days=int(rows.target_ix.max())), eager=True
    )
    key = [dense.series["unique_id"].gather(rows.series_ix), days.gather(rows.target_ix)]
    return pl.DataFrame([key[0].alias("unique_id"), key[1].alias("ds"), *frame.get_columns()])
