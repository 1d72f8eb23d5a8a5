"""Does a store or department repeat itself: of what sold, the share that agrees with the day most
like it of the two weeks before (expectations.likeness; on arrival expectations.repeats judges it).

On arrival a copied day is refused and a part of one is noted. Left for the watch is what came in
all the same: a part, a shop too small to be judged by a day, a copy that somebody accepted.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.levels import joined
from contract.whole import Arrays
from expectations.likeness import agreeing, likest
from monitoring.measured import measured
from monitoring.signal import WHOLE, Signal, members
from monitoring.what_arrived import Arrived

WATCHER = "repeats"
SMALLEST_SHARE = 0.03
# rows that agree with nothing, added to every group: of four rows three may agree by chance. With
# them clean chains of 50 series a store raised no alert, without them one a quarter
UNLIKE_ROWS = 20


def repeats_signal(seen: Arrived, columns: list[str]) -> Signal:
    """The share of everything and of each group of the columns; NaN on days it sold nothing."""
    # the finest groups are counted once, as the others are sums of them
    key = joined(columns) if columns else pl.lit(WHOLE)
    ordered = seen.series.with_row_index("row").with_columns(key=key).sort("key")
    is_first = ordered["key"].is_first_distinct()
    starts = is_first.arg_true().to_numpy()

    def sums() -> tuple[Arrays, np.ndarray]:
        y = seen.y[ordered["row"].to_numpy()]
        agree, sold = (table.swapaxes(0, 1) for table in agreeing(y, starts))
        selling = np.add.reduceat(y > 0, starts, axis=0, dtype=np.int32)
        return {"agree": agree, "sold": sold, "selling": selling}, _repeats_yesterday(seen.y)

    counted = measured(seen, WATCHER, ordered["key"].filter(is_first).to_list(), sums)
    agree, sold, selling = (counted.sums[name] for name in ("agree", "sold", "selling"))
    everyone = seen.whole.series(seen.series).with_columns(key=key)
    finest = everyone.unique("key").sort("key")
    groups = members(finest, columns)
    shares = [
        np.where(
            (selling[rows] > 0).any(axis=0),
            likest(agree[rows].sum(axis=0), sold[rows].sum(axis=0), UNLIKE_ROWS),
            np.nan,
        )
        for rows in groups.values()
    ]
    return Signal(
        watcher=WATCHER,
        slice="",
        first=seen.first,
        whole=seen.whole,
        groups=tuple(groups),
        values=np.array(shares),
        parts=counted.parts,
        smallest_spread=SMALLEST_SHARE,
        sentence="{now:.0%} of what sold{group} repeats a day of the two weeks before, "
        f"{UNLIKE_ROWS} unlike rows added (usually {{usual:.0%}} ± {{spread:.0%}})",
        advice="A feed stands still or sends an older day: ask its sender for the right files of "
        "the days since, drop them, and run `python inference.py`.",
        sides="up",
    )


def _repeats_yesterday(y: np.ndarray) -> np.ndarray:
    """(series, days) 1 where a sale is that of the day before, 0 where not; NaN where none sold."""
    repeats = np.full(y.shape, np.nan, dtype=np.float32)
    is_sold = (y[:, 1:] > 0) | (y[:, :-1] > 0)
    repeats[:, 1:][is_sold] = (y[:, 1:] == y[:, :-1])[is_sold]
    return repeats
