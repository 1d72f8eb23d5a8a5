"""Parity: whether the features a table was served with are those the model learned from.

That is: those that the store gives as of that run, by the champion's card.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import Finding, not_judged

WATCHER = "parity"
KEY = ["unique_id", "ds"]
# share of the value; sums on two threads differ in their last bits, their ratios a little more
SAME = 1e-4
SMALLEST = 1e-5  # of any feature's unit; below, both are nothing
FEATURES_NAMED = 3


def parity(served: pl.DataFrame, again: pl.DataFrame, run_id: str) -> Finding:
    """One finding: how many features of the sample differ; the most frequent ones with a series, a
    day and both values.

    Both are unique_id, ds and the features, one row each; a row or a column that `again` lacks
    differs throughout. A day restated since the run must not raise an alert: `again` is made from
    the store as of the run.
    """
    wrong = {name: rows for name, rows in _differing(served, again).items() if rows.height}
    features = [name for name in served.columns if name not in KEY]
    share = sum(rows.height for rows in wrong.values()) / max(served.height * len(features), 1)
    size = f"{served['unique_id'].n_unique()} series x {len(features)} features of run {run_id}"
    if not wrong:
        return Finding(WATCHER, f"{size}: as the store gives them as of that run", "ok", 0.0, 0.0)
    most = sorted(wrong, key=lambda name: (-wrong[name].height, name))[:FEATURES_NAMED]
    examples = "; ".join(_example(name, wrong[name]) for name in most)
    first = wrong[most[0]].row(0, named=True)
    return Finding(
        WATCHER,
        f"{len(wrong)} of {size} are not what the store gives as of that run "
        f"({share:.1%} of the values): {examples}",
        "error",
        share,
        0.0,
        "The table was made from other features than the model learned from: hold it back and "
        "publish the previous run's. Look what changed in features/ and params since the "
        f"champion's fit, then `python inference.py explain --series {first['unique_id']} "
        f"--ds {first['ds']}`; put the code back, or train again.",
        served.select(pl.min("ds")).item(),
    )


def no_parity(why: str) -> Finding:
    """Nothing to compare."""
    return not_judged(WATCHER, why)


def _differing(served: pl.DataFrame, again: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """By feature the rows that differ: KEY, served, again; null where a side says nothing."""
    features = [name for name in served.columns if name not in KEY]
    renamed = again.select(
        *KEY, *(pl.col(name).alias(f"{name} again") for name in features if name in again.columns)
    )
    both = served.join(renamed, on=KEY, how="left", validate="1:1").sort(KEY)
    return {name: _rows_of(both, name) for name in features}


def _rows_of(both: pl.DataFrame, name: str) -> pl.DataFrame:
    other = f"{name} again" if f"{name} again" in both.columns else None
    pair = both.select(
        *KEY, served=name, again=pl.col(other) if other else pl.lit(None, pl.Float32)
    )
    one_is_null = pl.col("served").is_null() != pl.col("again").is_null()
    apart = (pl.col("served") - pl.col("again")).abs() > SMALLEST + SAME * pl.col("again").abs()
    return pair.filter(one_is_null | apart.fill_null(value=False))


def _example(name: str, rows: pl.DataFrame) -> str:
    row = rows.row(0, named=True)
    served, again = (_number(row[side]) for side in ("served", "again"))
    where = f"'{row['unique_id']}' {row['ds']}"
    return f"{name} on {rows.height} rows ({where}: served {served}, now {again})"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"
