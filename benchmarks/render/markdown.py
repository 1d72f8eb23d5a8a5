"""Tables and paragraphs in Markdown."""

from __future__ import annotations

import textwrap

COLUMNS = 100  # of a document's prose


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def paragraph(text: str) -> str:
    """Sentences wrapped as those that people write."""
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)
