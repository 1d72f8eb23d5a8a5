"""Runs the work of every part until nothing is missing: totals by running again."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract.errors import PartFailed
from contract.panel import Panel
from contract.whole import Table
from scaling.engines import Engine
from scaling.parts import Parts
from scaling.whole import NotSummedYet, PartOfWhole, add_up, add_up_all

log = logging.getLogger("scaling")

# a panel and the folder for what it makes of it
Work = Callable[[Panel, Path], None]


@dataclass(frozen=True)
class _Ran:
    """How a run of a part ended: with totals it waits for, or done, with what it reported."""

    waits: tuple[str, ...]
    reported: tuple[str, ...]


def run_parts(work: Work, name: str, parts: Parts, engine: Engine) -> dict[str, Table]:
    """Each part's work done, results lying in the folders `parts.results(name, ...)`; the sums of
    what they reported.

    `work` is a function of its panel: what it decides by totals it decides alike in every part, so
    all of them ask for the same ones at the same time. PartFailed where they do not: a bug.
    """
    step = 0
    while True:
        step += 1
        ran = engine.each(partial(_run_one, work, name, parts), range(parts.count))
        waits, reported = ({getattr(one, name) for one in ran} for name in ("waits", "reported"))
        if len(waits) > 1 or len(reported) > 1:
            raise PartFailed(f"the parts ask for different totals: {sorted(waits)}. A bug.")
        [names] = waits
        log.info("step=%d parts=%d totals=%s", step, parts.count, list(names))
        if not names:
            return {of: add_up(parts, name, of) for of in ran[0].reported}
        add_up_all(parts, name, names)


def _run_one(work: Work, name: str, parts: Parts, number: int) -> _Ran:
    whole = PartOfWhole(parts, number, name)
    whole.folder.mkdir(parents=True, exist_ok=True)
    try:
        work(parts.read(number, whole), whole.folder)
    except NotSummedYet:
        return _Ran(tuple(whole.waits), ())
    finally:
        gc.collect()  # before the next part is read
    return _Ran((), tuple(whole.reported))
