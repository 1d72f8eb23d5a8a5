"""The one function that makes feature rows, for training and for serving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.cores import on_all_cores
from features.dense_panel import DensePanel, series_in_a_piece, series_table
from features.feature import Feature, days_read
from features.sales import TABLE as SERIES_TABLE
from features.windows import read_windows

ROWS_AT_ONCE = 50_000  # of a frame turned into a matrix
FEW_ROWS = 20_000  # gathered sooner than threads are started


@dataclass(frozen=True)
class Rows:
    """Which rows: series (row of `dense.series`), origin (day index) and h; sorted by series."""

    series_ix: np.ndarray
    origin_ix: np.ndarray
    h: np.ndarray

    def __len__(self) -> int:
        return len(self.h)

    def slice(self, first: int, last: int) -> Rows:
        """Rows first..last-1."""
        return Rows(self.series_ix[first:last], self.origin_ix[first:last], self.h[first:last])

    def where(self, mask: np.ndarray) -> Rows:
        """The rows a boolean mask keeps."""
        return Rows(self.series_ix[mask], self.origin_ix[mask], self.h[mask])

    @property
    def target_ix(self) -> np.ndarray:
        """The day index each row is about."""
        day_ix: np.ndarray = self.origin_ix + self.h
        return day_ix


def feature_names(dense: DensePanel) -> list[str]:
    """The columns of `feature_frame`, in order."""
    return ["h", *dense.static.columns, *(feature.name for feature in dense.features)]


def category_names(dense: DensePanel) -> list[str]:
    """Those of them that are codes, not quantities."""
    return [
        *dense.static.columns,
        *(feature.name for feature in dense.features if feature.is_category),
    ]


def feature_frame(dense: DensePanel, rows: Rows) -> pl.DataFrame:
    """One float32 row per (series, origin, h): what was known at the origin about the target.

    Unknown is null.

    The same call makes the training frame (many origins) and the future frame (one origin).
    """
    chunks = list(feature_frames(dense, rows))
    return (
        pl.concat(chunks)
        if chunks
        else pl.DataFrame(schema=dict.fromkeys(feature_names(dense), pl.Float32))
    )


def feature_frames(dense: DensePanel, rows: Rows) -> Iterator[pl.DataFrame]:
    """The same rows some series at a time, for whoever need not hold them all."""
    for first, last, part in _by_chunk(dense, rows):
        yield _chunk_frame(dense, first, last, part)


def feature_matrix(dense: DensePanel, rows: Rows) -> np.ndarray:
    """The same rows as (rows, columns) float32, held once, unknown as NaN."""
    matrix = np.empty((len(rows), len(feature_names(dense))), dtype=np.float32)
    done = 0
    for frame in feature_frames(dense, rows):
        for part in frame.iter_slices(ROWS_AT_ONCE):  # not through a second copy of all
            matrix[done : done + part.height] = part.to_numpy()
            done += part.height
    return matrix


def targets(dense: DensePanel, rows: Rows) -> np.ndarray:
    """Units sold on each row's target day; NaN where unknown, closed or not launched."""
    units: np.ndarray = dense.y[rows.series_ix, rows.target_ix + dense.days.padding]
    return units


def _by_chunk(dense: DensePanel, rows: Rows) -> Iterator[tuple[int, int, Rows]]:
    """Series first..last-1 and their rows, as many as fit a piece of work, at least one series."""
    rows_of_one = len(rows) // dense.series.height + 1
    some = min(
        dense.chunk_series, series_in_a_piece(dense.days.width + rows_of_one, dense.features)
    )
    for first in range(0, dense.series.height, some):
        low, high = np.searchsorted(rows.series_ix, [first, first + some])
        if high > low:
            yield int(rows.series_ix[low]), int(rows.series_ix[high - 1]) + 1, rows.slice(low, high)


def _chunk_frame(dense: DensePanel, first: int, last: int, rows: Rows) -> pl.DataFrame:
    values = _read_values(dense, series_table(dense, first, last), first, rows)
    columns = {"h": rows.h.astype(np.float32)}
    columns |= {codes.name: codes.to_numpy()[rows.series_ix] for codes in dense.static}
    for feature in dense.features:
        value = values[feature.name]
        columns[feature.name] = (
            value if feature.over is None else _ratio(value, values[feature.over.name])
        )
    return pl.DataFrame(columns).fill_nan(None)


def _read_values(
    dense: DensePanel, own: pl.DataFrame, first: int, rows: Rows
) -> dict[str, np.ndarray]:
    """Every part of every feature, evaluated on its table, gathered at its rows; NaN is unknown."""
    tables = {SERIES_TABLE: (own, rows.series_ix - first)}
    for table in {part.table for part in _parts(dense.features)} - {SERIES_TABLE}:
        tables[table] = _part_of(dense, table, first, rows)
    values: dict[str, np.ndarray] = {}
    for table, (frame, entity) in tables.items():
        parts = {part.name: part for part in _parts(dense.features) if part.table == table}
        columns = evaluated(frame, dense.days.width, list(parts.values()))
        places = {}
        for place in {(part.anchor, part.ahead) for part in parts.values()}:
            day = days_read(*place, rows.origin_ix, rows.h)
            places[place] = dense.days.rows(entity, np.maximum(day, 0)), day < 0
        values |= _gathered(
            columns,
            {name: places[part.anchor, part.ahead] for name, part in parts.items()},
            len(rows),
        )
    return values


def _gathered(
    columns: dict[str, np.ndarray], places: dict[str, tuple[np.ndarray, np.ndarray]], rows: int
) -> dict[str, np.ndarray]:
    """Of each column the values at its rows of the dense table; NaN before the panel."""

    def gather(name: str) -> np.ndarray:
        at, is_before = places[name]
        value = columns[name].take(at, mode="clip")
        value[is_before] = np.nan
        return value

    values = on_all_cores(gather, places) if rows > FEW_ROWS else map(gather, places)
    return dict(zip(places, values, strict=True))


def evaluated(dense: pl.DataFrame, width: int, parts: list[Feature]) -> dict[str, np.ndarray]:
    """Each part's value on every row of its dense table, float32, NaN where unknown.

    Parts of one expression share its column.
    """
    by_expression: dict[bytes, list[Feature]] = {}
    for part in parts:
        by_expression.setdefault(part.expr.meta.serialize(), []).append(part)
    columns = dense.select(
        [_with_nan(same[0].expr).alias(same[0].name) for same in by_expression.values()]
    )
    values: dict[str, np.ndarray] = {}
    for same in by_expression.values():
        column = columns[same[0].name].to_numpy()
        windows = read_windows(
            column.reshape(-1, width), {part.window for part in same if part.window is not None}
        )
        values |= {
            part.name: column if part.window is None else windows[part.window].ravel()
            for part in same
        }
    return values


def _with_nan(expr: pl.Expr) -> pl.Expr:
    """Float32 that NumPy takes as it is."""
    return expr.cast(pl.Float32).fill_null(np.nan)


def _part_of(
    dense: DensePanel, table: str, first: int, rows: Rows
) -> tuple[pl.DataFrame, np.ndarray]:
    """Of a shared table the entities these rows read, and for each row which of them is its own.

    A chunk of series reads a few of all items; the others' windows would be computed for nobody.
    """
    members = dense.entity_ix[table][first : int(rows.series_ix[-1]) + 1]
    needed, at = np.unique(members, return_inverse=True)
    width = dense.days.width
    entities = dense.shared[table][(needed[:, None] * width + np.arange(width)).ravel()]
    return entities, at[rows.series_ix - first]


def _parts(features: list[Feature]) -> Iterator[Feature]:
    return (part for feature in features for part in feature.parts)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Unknown where either is, or where it would be over nothing."""
    ratio = np.full_like(above, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio
