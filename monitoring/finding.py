"""What a watcher says: one sentence about one cause, with what it measured and what was allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from contract.severity import Severity

# standard errors a gap must exceed beside its limit, so that two odd days raise no alert
SURE = 2.0


@dataclass(frozen=True)
class Finding:
    """One watcher's word on one slice. warning: a person should look; error: a person must.

    `contributors`: the series that contribute most, where single series make the number. `value`
    None means that nothing could be judged yet, which is not the same as ok: an open alert
    stays open.
    """

    watcher: str
    what: str
    severity: Severity
    value: float | None
    threshold: float | None
    advice: str = ""
    since: date | None = None
    slice: str = ""
    contributors: tuple[str, ...] = ()

    @property
    def cause(self) -> str:
        """What it is about, the same every day (`freshness:CA_1`): at most one open alert each."""
        return f"{self.watcher}:{self.slice}" if self.slice else self.watcher

    @property
    def is_judged(self) -> bool:
        """Whether there was anything to measure."""
        return self.value is not None


def not_judged(watcher: str, why: str, slice: str = "") -> Finding:
    """The watcher looked, and there was nothing to measure yet."""
    return Finding(watcher, why, "ok", None, None, slice=slice)
