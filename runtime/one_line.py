"""Texts of others on one line: what could end a line, hide in it or turn it around, spelled out."""

from __future__ import annotations

import logging
import re

# control characters, line and paragraph separators, marks that turn the direction, lone surrogates
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def one_line(text: str) -> str:
    r"""The text as one line that says what it looks like: a line end is `\n`, as in Python."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


class OneLine(logging.Formatter):
    """A log line for each message, whatever it quotes: a file's name cannot forge one. Tracebacks
    keep their lines.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # its name in logging
        """The formatted line, its message on one line."""
        record.message = one_line(record.message)
        return super().formatMessage(record)
