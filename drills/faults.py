"""The kinds of fault: each is a pure function that breaks one thing, by a strength. What is handed
in is a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from contract.panel import Panel

Rng = np.random.Generator


@dataclass(frozen=True)
class PanelFault:
    """Breaks what the forecaster is given: a panel cut at the origin in, a broken one out.

    `fact`: what is broken came as files of this fact, so its rules judge it first: of sales
    the last days (as many as the strength says, or `days_judged`), of prices the rows that changed.
    None: nothing arrived that could be judged.
    `restates`: the days had been known otherwise before.
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    apply: Callable[[Panel, int, Rng], Panel]
    fact: Literal["sales", "prices"] | None = None
    days_judged: int | None = None
    restates: bool = False


@dataclass(frozen=True)
class BundleFault:
    """Breaks a model's folder in place. Strength 1: the champion's alone; 2: that of the champion
    before it, too.
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    apply: Callable[[Path], None]


@dataclass(frozen=True)
class FileFault:
    """Breaks a daily file: CSV text in, bytes out. `is_wrong`: its rows must not count; otherwise
    they must count once.
    """

    name: str
    what: str
    is_wrong: bool
    apply: Callable[[str, Rng], bytes]
