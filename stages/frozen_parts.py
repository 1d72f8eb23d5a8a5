"""The frozen panel in parts, for as long as they are worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from contract.feeds import FEED_COLUMN
from contract.params import Params
from runtime.paths import Paths
from scaling.engines import Engine, engine_of
from scaling.parts import Parts, write_parts
from scaling.scratch import own_folder
from storage.panel_files import read_frozen_parts, read_frozen_series


@contextmanager
def frozen_parts(
    params: Params, paths: Paths, parts: pl.DataFrame
) -> Iterator[tuple[Parts, Engine]]:
    """The files of these parts (unique_id, part), removed afterwards, and who runs them."""
    with own_folder(paths.parts) as folder, engine_of(params.scale.engine) as engine:
        panels = read_frozen_parts(paths.panel, parts, folder / "rows")
        yield write_parts(folder, panels, read_frozen_series(paths.panel)), engine


def stores_of(paths: Paths) -> tuple[pl.DataFrame, dict[str, int]]:
    """SERIES of the frozen panel, and of each store how many series it has."""
    series = read_frozen_series(paths.panel)
    if FEED_COLUMN not in series.columns:
        return series, {}
    return series, dict(series.group_by(FEED_COLUMN).len().rows())
