"""Values of a params file's source section changed in its text, every other byte left as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from ruamel.yaml import YAML

from contract.errors import BadParams

_PLAIN = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w./~-][^\s#]*)"""  # one scalar, quoted or not
SOURCE = "source"


def with_source(text: str, values: Mapping[str, str | None], drop: Collection[str] = ()) -> str:
    """The text with these values in its source section, and the lines of `drop` taken out.

    What the section lacks is added, a section that is left empty goes. ruamel.yaml says on which
    line a value stands; the line is then edited as text, as writing the whole document anew would
    move its comments.
    """
    document = YAML().load(text) or {}
    section = document.get(SOURCE)
    if section is None:
        bare = [line for line in text.splitlines() if line.rstrip() != f"{SOURCE}:"]
        added = [f"  {name}: {_word(value)}" for name, value in values.items()]
        return "\n".join([*bare, *([f"{SOURCE}:", *added] if added else [])]) + "\n"
    if not hasattr(section, "lc") or section.fa.flow_style():
        raise BadParams(f"source is not a section with a line for each value: {section!r}.")
    return _edited(text.splitlines(), document, values, drop)


def _edited(
    lines: list[str], document: Any, values: Mapping[str, str | None], drop: Collection[str]
) -> str:
    section, head = document[SOURCE], document.lc.key(SOURCE)[0]
    comment_column = lines[head].find("#")
    added, gone = [], set()
    for name in [*values, *drop]:
        if name not in section:
            indent = " " * section.lc.key(next(iter(section)))[1]
            added += [f"{indent}{name}: {_word(values[name])}"] if name in values else []
            continue
        number = section.lc.key(name)[0]
        key, comment = _plain_line(lines[number], name)
        if name in drop:
            gone.add(number)
            continue
        line = f"{key} {_word(values[name])}"
        lines[number] = f"{line.ljust(comment_column - 1)} {comment}" if comment else line
    if not added and not set(section) - set(drop):
        gone.add(head)
    lines[head + 1 : head + 1] = added
    moved = {number + len(added) * (number > head) for number in gone}
    return "\n".join(line for number, line in enumerate(lines) if number not in moved) + "\n"


def _plain_line(line: str, name: str) -> tuple[str, str | None]:
    """Its key with the blanks before it, and its comment. BadParams for more than a plain value."""
    found = re.fullmatch(rf"(\s+{name}:)(?:\s+{_PLAIN})?\s*(#.*)?", line)
    if found is None:
        raise BadParams(f"source.{name} is not a plain value on its own line: {line.strip()!r}.")
    return found[1], found[2]


def _word(value: str | None) -> str:
    """The value as YAML; quoted, as a hash may look like a number and a path like anything."""
    return "null" if value is None else json.dumps(value, ensure_ascii=False)
