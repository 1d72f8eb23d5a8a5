"""Everything tillcast refuses, as one tree; a process that ends with an error exits with its code.

    TillcastError                 1   refused; the message is a statement, the values, the way out
    ├── BadInput                  1   a file or frame is not what its contract says
    │   ├── SourceMissing         1   a path that should hold input does not
    │   ├── ContractBroken        1   a frame lacks a column, has a wrong type, or repeats a key
    │   └── Undecided             1   files can be read in two ways: a person must say which
    ├── GateFailed                1   a candidate or a panel did not pass its gate
    ├── NotEnoughHistory          1   a series or a panel is too short for what it is needed for
    ├── ModelBroken               1   a model bundle is missing, changed, or of other features
    │   └── FeaturesMissing       1   a feature known in training is unknown for most series now
    ├── LeakingFeature            1   a feature declares that it reads what is not yet known
    ├── StoreBroken               1   the store is damaged, or of a schema this code cannot read
    ├── ThinnedByAge              1   the rows of a published table were thinned by age
    ├── ClockRefused              1   the clock is far from the moment something was received last
    ├── DiskRefused               1   a disk is full, read-only, denies access, or has a file in a
    │                                 folder's place
    ├── MemoryRefused             1   the machine gives this process no more memory
    ├── ServerUnreachable         1   Prefect's server does not respond
    ├── RemoteUnreachable         1   a database or bucket does not respond, or broke off
    ├── WorkersUnreachable        1   a cluster's scheduler or workers do not respond
    ├── PartFailed                1   a part of a panel ends whoever works on it
    ├── BadUsage                  2   wrong arguments
    │   └── BadParams             2   params.yaml holds a value out of range, or an unknown name
    └── StoreBusy                 3   another process holds the store

Wrong rows are not errors: they go to quarantine with a reason.
"""

from __future__ import annotations

from typing import Any


class TillcastError(Exception):
    """The root: whatever tillcast refuses on purpose."""

    exit_code = 1


class BadInput(TillcastError):
    """A file or frame is not what its contract says."""


class SourceMissing(BadInput):
    """A path that should hold input does not."""


class ContractBroken(BadInput):
    """A frame lacks a column, has a wrong type, or repeats a key."""


class Undecided(BadInput):
    """Files can be read in two ways, or not at all yet: a person must say which. `summary` holds
    what was found so far.
    """

    def __init__(self, reason: str, summary: dict[str, Any]) -> None:
        super().__init__(reason)
        self.summary = summary


class GateFailed(TillcastError):
    """A candidate or a panel did not pass its gate."""


class NotEnoughHistory(TillcastError):
    """A series or a panel is too short for what it is needed for."""


class ModelBroken(TillcastError):
    """A model bundle is missing, changed since it was written, or made for other features."""


class FeaturesMissing(ModelBroken):
    """A feature the model learned from is unknown for most series now: its forecasts would be
    extrapolation.
    """


class LeakingFeature(TillcastError):
    """A feature declares that it reads what is not yet known at the origin."""


class StoreBroken(TillcastError):
    """The store is damaged, or of a schema this code cannot read."""


class ThinnedByAge(TillcastError):
    """The rows of a published table were thinned by age: gone, or there in part."""


class ClockRefused(TillcastError):
    """The clock is far from the moment something was received last: one of the two is wrong."""


class DiskRefused(TillcastError):
    """A disk is full, read-only, denies access, or has a file in a folder's place: what was not
    finished is not kept.
    """


class MemoryRefused(TillcastError):
    """The machine gives this process no more memory: what was not finished is not kept."""


class ServerUnreachable(TillcastError):
    """Prefect's server does not respond."""


class RemoteUnreachable(TillcastError):
    """A database or bucket does not respond, or broke off: another try may succeed."""


class WorkersUnreachable(TillcastError):
    """The scheduler or the workers of a cluster do not respond: another try may succeed."""


class PartFailed(TillcastError):
    """The work of one part of a panel ends whoever does it, or does not fit the other parts."""


class BadUsage(TillcastError):
    """Wrong arguments."""

    exit_code = 2


class BadParams(BadUsage):
    """params.yaml holds a value outside its range or a name nobody knows."""


class StoreBusy(TillcastError):
    """Another process holds the store."""

    exit_code = 3
