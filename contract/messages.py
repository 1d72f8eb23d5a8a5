"""News of alerts for one address: what is compared, written and kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]  # of table alerts
Held = dict[str, Row]  # by cause `severity` and `since` (text) of an alert that was sent


@dataclass(frozen=True)
class Message:
    """News for one address. `new` and `worse` are alerts; `over`: what it holds for open and is
    not; `still_open`: all alerts that it holds for open from now on.
    """

    new: list[Row]
    worse: list[Row]
    over: Held
    still_open: list[Row]

    @property
    def is_news(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.new or self.worse or self.over)

    @property
    def is_all_clear(self) -> bool:
        """Whether something is over and nothing open."""
        return bool(self.over) and not self.still_open

    def held_after(self, held: Held) -> Held:
        """What the address holds for open once it was sent this."""
        kept = {cause: row for cause, row in held.items() if cause not in self.over}
        sent = {
            row["cause"]: {"severity": row["severity"], "since": f"{row['raised_at']:%Y-%m-%d}"}
            for row in [*self.new, *self.worse]
        }
        return kept | sent
