"""News of alerts as a title and a plain text for a mail or a chat."""

from __future__ import annotations

from contract.messages import Message, Row
from runtime.one_line import one_line

MOST_LINES = 20  # alerts of a kind; the rest are counted
LONGEST = 400  # characters of an alert's sentence


def title_of(message: Message, shop: str) -> str:
    """What happened, in a line: `tillcast files: 2 new, 1 over, 3 open`."""
    if message.is_all_clear:
        return f"tillcast {shop}: all clear"
    counts = {"new": message.new, "worse": message.worse, "over": message.over}
    said = [f"{len(rows)} {name}" for name, rows in counts.items() if rows]
    return f"tillcast {shop}: {', '.join([*said, f'{len(message.still_open)} open'])}"


def body_of(message: Message, taken_on_by: dict[str, str], app_url: str | None = None) -> str:
    """The alerts that are new, worse, over and still open; each on a line of its own.

    `taken_on_by`: by cause of an open alert who has taken it on. `app_url`: where to do so.
    """
    news = {row["cause"] for row in [*message.new, *message.worse]}
    others = [row for row in message.still_open if row["cause"] not in news]
    over = [
        f"{row['severity']} {cause} (since {row['since']})" for cause, row in message.over.items()
    ]
    parts = {
        "NEW": [line for row in message.new for line in _lines(row)],
        "WORSE": [line for row in message.worse for line in _lines(row)],
        "OVER": over,
        "STILL OPEN": [_brief(row, taken_on_by) for row in others],
    }
    paragraphs = [
        "\n".join([name, *map(one_line, _most(lines))]) for name, lines in parts.items() if lines
    ]
    if app_url:
        paragraphs.append(f"Take on, mute, resolve: {app_url.rstrip('/')}/alerts")
    return "\n\n".join(paragraphs)


def _lines(row: Row) -> list[str]:
    return [f"{row['severity']} {row['cause']}: {row['what'][:LONGEST]} {row['advice']}"]


def _brief(row: Row, taken_on_by: dict[str, str]) -> str:
    who = f", taken on by {taken_on_by[row['cause']]}" if row["cause"] in taken_on_by else ""
    return f"{row['severity']} {row['cause']} (since {row['raised_at']:%Y-%m-%d}{who})"


def _most(lines: list[str]) -> list[str]:
    rest = len(lines) - MOST_LINES
    return lines if rest <= 0 else [*lines[:MOST_LINES], f"and {rest} more: python monitor.py"]
