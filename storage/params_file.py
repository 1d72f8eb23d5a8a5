"""params.yaml as a file: three values of its source section changed, every other byte left."""

from __future__ import annotations

import json
import re

from ruamel.yaml import YAML

from contract.errors import BadParams


def with_source(text: str, kind: str, path: str | None, sha256: str | None) -> str:
    """The text with source.kind, source.path and source.sha256 set; comments stay in their column where they fit.

    ruamel.yaml says on which line and column a value stands; the line is then edited as text, as writing the whole
    document anew would move its comments.
    """
    lines = text.splitlines(keepends=True)
    section = YAML().load(text)["source"]
    for name, value in (("kind", kind), ("path", path), ("sha256", sha256)):
        number, column = section.lc.value(name)
        lines[number] = _with_value(lines[number], column, value, name)
    return "".join(lines)


def _with_value(line: str, column: int, value: str | None, name: str) -> str:
    found = re.fullmatch(r"(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s#]+)(\s*)(#.*)?(\n?)", line[column:], re.DOTALL)
    if found is None:
        raise BadParams(f"source.{name} in params.yaml is not a plain value on its own line: {line.strip()!r}.")
    old, space, comment, end = found.groups(default="")
    word = "null" if value is None else value if value.isalnum() and value.isalpha() else json.dumps(value)
    if comment:
        word = word.ljust(len(old + space) - 1) + " " + comment
    return line[:column] + word + (end or space[-1:].replace(" ", ""))
