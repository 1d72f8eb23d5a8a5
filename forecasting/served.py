"""The feature rows some series were served with, kept as the boosters were given them.

Whoever doubts them computes them again.

A sample is enough: what makes serving differ from training (a changed function, another panel,
another param) moves a feature of many series. 50 series x 28 days x 90 features are about 100 KB a
day; another sample every day.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from contract.panel import Panel
from features.dense_panel import DensePanel, Vocabulary
from features.frame import Rows, feature_frame
from forecasting.bundle import read_card, recipe_of
from forecasting.columns import last_day
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.publication import trim_to_last_sale
from forecasting.served_rows import KEY, ServedRows, named_rows
from runtime.disk import flush_to_disk, sha256_of

SPARE = timedelta(days=182)  # for what a serving panel is trimmed by (publication)
TABLES_KEPT = 30  # newest; the watcher reads the last one, the others are for whoever looks back


def watched(panel: Panel, count: int) -> list[str]:
    """The `count` series whose feature rows are kept: other data, other series."""
    return drawn(panel.series["unique_id"].to_list(), count, panel.hash)


def watch_serving(model: Forecaster | None, unique_ids: list[str]) -> None:
    """Let the model keep what it is given for these series, from now on."""
    if isinstance(model, GlobalLightGBM):
        model.served = ServedRows(unique_ids)


def drawn(unique_ids: list[str], count: int, seed: str) -> list[str]:
    """`count` of the names, by hash of seed and name; sorted."""
    ranked = sorted(unique_ids, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())
    return sorted(ranked[:count])


def given_rows(model: Forecaster | None) -> pl.DataFrame | None:
    """What the model was given (KEY and every feature); None where it was to keep nothing."""
    served = model.served if isinstance(model, GlobalLightGBM) else None
    return served.frame() if served is not None and served.parts else None


def keep_served(rows: pl.DataFrame, folder: Path, run_id: str) -> None:
    """Feature rows (KEY and every feature) as <run_id>.parquet and its SHA-256 beside it.

    The oldest beyond TABLES_KEPT go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target, unfinished = folder / f"{run_id}.parquet", folder / f".{run_id}.part"
    rows.rechunk().write_parquet(unfinished)
    flush_to_disk(unfinished)
    target.with_suffix(".sha256").write_text(sha256_of(unfinished), encoding="ascii")
    unfinished.replace(target)
    newest_first = sorted(
        folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in newest_first[TABLES_KEPT:]:
        path.with_suffix(".sha256").unlink(missing_ok=True)
        path.unlink()


def read_served(folder: Path, run_id: str) -> tuple[pl.DataFrame | None, str]:
    """What was kept of a run; or None and why: nothing was, or not what was written."""
    path = folder / f"{run_id}.parquet"
    written = path.with_suffix(".sha256")
    if not path.exists() or not written.exists():
        return None, f"no served features were kept of run {run_id}"
    if sha256_of(path) != written.read_text(encoding="ascii"):
        return None, f"'{path}' changed since it was written"
    return pl.read_parquet(path, glob=False), ""


@dataclass(frozen=True)
class Served:
    """KEY and features of the sample that a run's table was served with: from which day, by the
    model of which bundle, of a panel of which hash.
    """

    run_id: str
    origin: date
    rows: pl.DataFrame
    bundle: Path
    panel_hash: str

    def why_not_of(self, panel: Panel, since: date) -> str | None:
        """Why a panel that was read from a day on is not the one the table was made from, or not
        as far back as its model's features read; None where it is.
        """
        if panel.hash != self.panel_hash:
            return f"run {self.run_id} had read another panel than today's"
        days_back = recipe_of(read_card(self.bundle)).feature_days_back
        if since > self.origin - timedelta(days=days_back) - SPARE:
            return f"features read {days_back} days back, further than a look in parts"
        return None


def served_again(served: Served, panel: Panel) -> pl.DataFrame:
    """The same rows computed from a panel by the recipe of the model's card: KEY, its features.

    A series the panel does not know has no row. ModelBroken where the card cannot be read.
    """
    card = read_card(served.bundle)
    model = recipe_of(card)
    model.vocabulary, model.columns = Vocabulary(**card["vocabulary"]), card["columns"]
    known = trim_to_last_sale(panel.up_to(served.origin)).up_to(served.origin)
    dense = model.serving_panel(known, (last_day(served.rows) - known.last_day).days)
    own = served.rows.select(KEY).join(dense.series, on="unique_id", how="semi")
    if own.is_empty() and panel.whole.is_part:
        # it asks other parts for what they ask it for
        someone = pl.lit(dense.series["unique_id"][0]).alias("unique_id")
        anyone = served.rows.select(someone, pl.col("ds").unique())
        return _features_of(dense, anyone.select(KEY), known).clear()
    return _features_of(dense, own, known)


def _features_of(dense: DensePanel, cells: pl.DataFrame, known: Panel) -> pl.DataFrame:
    """KEY and every feature of these cells (KEY)."""
    places = dense.series.select("unique_id").with_row_index("series_ix")
    keys = cells.join(places, on="unique_id", how="inner").sort("series_ix", "ds")
    h = (keys["ds"] - known.last_day).dt.total_days().to_numpy().astype(np.int32)
    rows = Rows(
        keys["series_ix"].to_numpy().astype(np.int32),
        np.full(len(h), dense.last_known, np.int32),
        h,
    )
    ends = (np.flatnonzero(np.diff(rows.series_ix, append=-1)) + 1).tolist()
    alone = [rows.slice(first, last) for first, last in zip([0, *ends[:-1]], ends, strict=True)]
    # one by one: in chunks, all series between them would be computed, too
    return pl.concat([named_rows(dense, one, feature_frame(dense, one)) for one in alone]).sort(KEY)
