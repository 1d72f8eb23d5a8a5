"""A draft as the text of a shop.yaml: a line per setting, its evidence beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sources.draft.doubts import Doubt
from sources.draft.findings import Draft, Line, by_section

_WIDEST = 160  # characters of a line; evidence is cut
_HEAD = (
    "# Drafted by `python ingest.py draft`: each line with what speaks for it. It is yours now:\n"
    "# change what is wrong, and try it with `python ingest.py draft --keep`. What a line takes\n"
    "# stands in params.yaml.\n"
)


def text_of(draft: Draft, source: Mapping[str, str | None]) -> str:
    """The sections, what a person must say, and what was not mapped; `source`: kind, path and
    sha256.
    """
    head = [Line(("source", name), value, "") for name, value in source.items()]
    sections = by_section((line.place, line) for line in (*head, *draft.lines))
    blocks = [_block(sections, 0), *map(_question, draft.doubts), *_unused(draft)]
    return _HEAD + "\n".join(line for block in blocks for line in block) + "\n"


def _block(section: Mapping[str, Any], depth: int) -> list[str]:
    lines = []
    for name, value in section.items():
        key = f"{'  ' * depth}{_word(name)}:"
        if isinstance(value, Line):
            lines.append(_with_comment(f"{key} {_word(value.value, inside=True)}", value.why))
        else:
            lines += [key, *_block(value, depth + 1)]
    return lines


def _with_comment(text: str, why: str) -> str:
    if not why:
        return text
    line = f"{text.ljust(36)}  # {_one_line(why)}"
    return line if len(line) <= max(_WIDEST, len(text) + 60) else f"{line[: _WIDEST - 3]}..."


def _question(doubt: Doubt) -> list[str]:
    choices = " | ".join(doubt.choices)
    how = f"# TO DECIDE: --answer {doubt.setting}={f'({choices})' if choices else '...'}"
    return ["#", how, f"#   {_one_line(doubt.question)}"]


def _unused(draft: Draft) -> Sequence[list[str]]:
    notes = [f"# {_one_line(note)}" for note in (*draft.obstacles, *draft.notes)]
    left = [f"#   {_one_line(name)[:60]}: {_one_line(why)}" for name, why in draft.unused.items()]
    return [["#", *notes] if notes else [], ["#", "# Not mapped:", *left] if left else []]


def _one_line(text: str) -> str:
    """A text of somebody else's on one line, of printable signs: a comment ends with its line."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _word(value: Any, *, inside: bool = False) -> str:
    """A value as YAML, which reads JSON; a plain name without quotes."""
    if isinstance(value, str) and not inside and value.replace("_", "a").isalnum():
        return value if value.isascii() and not value.isdigit() else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)
