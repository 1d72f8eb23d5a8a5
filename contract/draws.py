"""Some of many, evenly and without a period."""

from __future__ import annotations

import numpy as np

# Weyl's sequence of the golden ratio, in 64 bits: of all steps it leaves the evenest gaps
_STEP = np.uint64(0x9E3779B97F4A7C15)


def some_of(count: int, wanted: int) -> np.ndarray:
    """`wanted` of the numbers below `count`, sorted; all of them where there are no more.

    Every n-th would be one store of ten wherever names end in the store.
    """
    if wanted >= count:
        return np.arange(count)
    place = np.arange(count, dtype=np.uint64) * _STEP  # wraps
    numbers: np.ndarray = np.sort(np.argsort(place, kind="stable")[:wanted])
    return numbers
