"""params.yaml as a file: three values of its source section changed, every other byte left."""

from __future__ import annotations

import json
import re

from ruamel.yaml import YAML

from contract.errors import BadParams

_PLAIN = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w./~-][^\s#]*)"""  # one scalar, quoted or not


def with_source(text: str, kind: str, path: str | None, sha256: str | None) -> str:
    """The text with source.kind, source.path and source.sha256 set; comments go to the column of the section's own.

    ruamel.yaml says on which line a value stands; the line is then edited as text, as writing the whole
    document anew would move its comments.
    """
    lines = text.splitlines()
    document = YAML().load(text)
    comment_column = lines[document.lc.key("source")[0]].find("#")
    words = {"kind": kind, "path": _word(path), "sha256": _word(sha256)}
    for name, word in words.items():
        number, _ = document["source"].lc.key(name)
        found = re.fullmatch(rf"(\s+{name}:)(?:\s+{_PLAIN})?\s*(#.*)?", lines[number])
        if found is None:
            raise BadParams(
                f"source.{name} in params.yaml is not a plain value on its own line: {lines[number].strip()!r}."
            )
        line = f"{found[1]} {word}"
        lines[number] = f"{line.ljust(comment_column - 1)} {found[2]}" if found[2] else line
    return "\n".join(lines) + "\n"


def _word(value: str | None) -> str:
    """The value as YAML; quoted, as a hash may look like a number and a path like anything."""
    return "null" if value is None else json.dumps(value, ensure_ascii=False)
