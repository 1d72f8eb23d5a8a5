"""Tables in Markdown, and the places of a document that hold what was measured."""

from __future__ import annotations

import re


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def between_marks(text: str, name: str, section: str, maker: str) -> str:
    """The text with the section between its marks, which name the module that makes it; KeyError when it has no such marks."""
    begin, end = f"<!-- {name}: begin, made by {maker} -->", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise KeyError(f"no marks for '{name}'")
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    return re.sub(pattern, lambda _: f"{begin}\n{section}\n{end}", text, flags=re.DOTALL)
