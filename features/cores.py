"""Work shared among the cores: NumPy lets go of the interpreter in its long loops, so threads are
enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Item = TypeVar("Item")
Made = TypeVar("Made")


def on_all_cores(work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """What `work` makes of each item, in order; on as many threads as Polars takes."""
    items = list(items)
    threads = min(pl.thread_pool_size(), len(items))
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))
