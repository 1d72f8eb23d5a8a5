"""What a person must say before a mapping can run: no reading is guessed where two stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from contract.errors import BadInput

CHOICES = {"decimal": (",", "."), "returns": ("refuse", "net")}


@dataclass(frozen=True)
class Doubt:
    """One question. `setting` is the key that decides it: a setting of source.files, or a name of
    source.files.columns. `choices` empty: any text.
    """

    setting: str
    question: str
    choices: tuple[str, ...] = ()
    is_needed: bool = True  # nothing runs without it


def doubt_of(error: BadInput, column: str) -> Doubt | None:
    """The question in a reader's refusal to guess; None where it names no setting."""
    text = str(error)
    found = re.search(r"source\.files\.(decimal|date_format|time_zone|encoding|sheet)", text)
    if found is None:
        return None
    setting = found[1]
    formats = tuple(dict.fromkeys(re.findall(r"'(%[^']*)'", text)))
    choices = formats if setting == "date_format" else CHOICES.get(setting, ())
    return Doubt(setting, text if column in text else f"column '{column}': {text}", choices)
