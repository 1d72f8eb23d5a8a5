"""What a person says of himself and of his reasons: text that others can read on one line."""

from __future__ import annotations

from contract.errors import BadUsage
from runtime.one_line import one_line

MOST_OF_A_NAME, MOST_OF_A_REASON = 100, 300  # characters


def refuse_name(by: str) -> None:
    """BadUsage for a name that is no text of one line."""
    refuse_text("--by", by, MOST_OF_A_NAME)


def refuse_text(name: str, text: str, most: int) -> None:
    """BadUsage for nothing, for too much, and for what would end a line, hide in it or turn it
    around: pages, messages and logs quote it.
    """
    if not text.strip() or len(text) > most or one_line(text) != text:
        raise BadUsage(
            f"{name} '{one_line(text[:40])}' is no text of one line. Give 1 to {most} characters: "
            "it is what others read."
        )
