"""The sets that slow and resting series are measured on: which series of them, at which cutoffs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.accuracy.other_data import mapped_folder, mappings_of_the_tutorial
from benchmarks.harness import entry_points as entry
from benchmarks.harness.cutoffs import last_cutoffs
from benchmarks.harness.params import params_for, params_here
from benchmarks.harness.worlds import SMALL, complete_items, m5_read, simulated
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from runtime.paths import Paths
from storage.panel_files import read_frozen

LOOKED_AT, UNSEEN = "looked at", "unseen"
LEARNED_FROM = 4  # cutoffs before each, for its quantiles
M5, LONG, WHOLESALER, CHAIN = "M5, two stores", "long M5", "online retail", "hard chain"
LAST_DAY = 1941  # of M5
# training rows of samples, near what ships for the whole; one thread, beside others
FITS = {
    M5: {"max_rows": 400_000},
    LONG: {"max_rows": 300_000},
    WHOLESALER: {"max_rows": 300_000},
    CHAIN: SMALL,
}


@dataclass(frozen=True)
class DataSet:
    """`which`: stores, the first of every n-th series, or a seed; `scored` cutoffs, the last of
    them `later` cutoffs before the panel's last.
    """

    data: str
    which: str
    seen: str
    scored: int
    later: int
    refit_every: int

    def cutoffs(self, panel: Panel, horizon: int) -> list[date]:
        """Those that only teach quantiles first."""
        every = last_cutoffs(panel, horizon, LEARNED_FROM + self.scored + self.later)
        return every[: len(every) - self.later]


SETS = {
    "m5_looked_at": DataSet(M5, "CA_1 TX_1", LOOKED_AT, 4, 4, 2),
    "long_looked_at": DataSet(LONG, "0", LOOKED_AT, 6, 6, 4),
    "wholesaler_looked_at": DataSet(WHOLESALER, "0", LOOKED_AT, 4, 4, 4),
    "chain_looked_at": DataSet(CHAIN, "31", LOOKED_AT, 6, 6, 4),
    "m5_unseen": DataSet(M5, "WI_1 CA_4", UNSEEN, 5, 0, 2),
    "long_unseen": DataSet(LONG, "3", UNSEEN, 7, 0, 4),
    "wholesaler_unseen": DataSet(WHOLESALER, "1", UNSEEN, 5, 0, 4),
    "chain_unseen": DataSet(CHAIN, "32", UNSEEN, 6, 0, 4),
}


def read(data_set: DataSet, shared: Path, scratch: Path) -> tuple[Params, Panel]:
    """Its params and its panel."""
    folder = scratch / data_set.data.replace(",", "").replace(" ", "_")
    folder.mkdir(exist_ok=True)
    params, panel = _READERS[data_set.data](data_set.which, shared, folder)
    # M5's own profile leaves the step out: it is measured all the same
    changes = {"threads": 1, "rest_days": params_here().train.rest_days, **FITS[data_set.data]}
    train = params.train.model_copy(update=changes)
    return params.model_copy(update={"train": train}), panel


def _stores(which: str, shared: Path, folder: Path) -> tuple[Params, Panel]:
    panel = m5_read(shared / "m5", folder)
    stores = panel.series.filter(pl.col("store_id").is_in(which.split()))
    return params_for("m5"), panel.only(stores["unique_id"])


def _complete(which: str, shared: Path, folder: Path) -> tuple[Params, Panel]:
    files = folder / "files"
    panel = m5_read(files if files.exists() else complete_items(files, shared, LAST_DAY), folder)
    return params_for("m5"), _every(panel, 6, which)


def _wholesaler(which: str, shared: Path, folder: Path) -> tuple[Params, Panel]:
    mapping = mappings_of_the_tutorial()["online_retail"]
    made = mapped_folder(folder, shared / "online_retail", mapping)
    if not (Paths(made.data).panel / "panel.json").exists():
        entry.run(entry.FILL, made)
    return load_params(made.params), _every(read_frozen(Paths(made.data).panel), 2, which)


def _chain(which: str, shared: Path, folder: Path) -> tuple[Params, Panel]:
    params = params_here()
    return params, simulated(params, 600, 1060, int(which))


def _every(panel: Panel, nth: int, which: str) -> Panel:
    return panel.only(panel.series["unique_id"].sort().gather_every(nth, int(which)))


_READERS = {M5: _stores, LONG: _complete, WHOLESALER: _wholesaler, CHAIN: _chain}
