"""params.yaml as a file: read into Params; and three values of its source section changed, every
other byte left as it is.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from contract.agreement import agree
from contract.errors import BadParams
from contract.params import Params

_PLAIN = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w./~-][^\s#]*)"""  # one scalar, quoted or not


def load_params(path: Path) -> Params:
    """The params written in a YAML file, `profiles.<source.kind>` laid over the defaults. BadParams
    names the place.
    """
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadParams(
            f"there is no params file '{path}'. Run from the checkout's root, or pass --params."
        ) from error
    except (YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise BadParams(f"'{path}' is not YAML: {error}") from error
    if not isinstance(raw, dict):
        raise BadParams(f"'{path}' holds no sections; it should hold {list(Params.model_fields)}.")
    profiles = _section_of(raw, "profiles", path)
    profile = _section_of(profiles, str(_section_of(raw, "source", path).get("kind")), path)
    return params_of(
        lay_over({name: raw[name] for name in raw if name != "profiles"}, profile), str(path)
    )


def params_of(raw: dict[str, Any], where: str = "params") -> Params:
    """The params in a plain mapping. BadParams lists every wrong place."""
    try:
        return agree(Params.model_validate(raw))
    except ValidationError as error:
        places = "; ".join(_complaint(place) for place in error.errors())
        raise BadParams(
            f"{where} does not fit: {places}. "
            "Each line's comment in params.yaml says what it takes."
        ) from error


def _complaint(place: ErrorDetails) -> str:
    name = ".".join(str(part) for part in place["loc"])
    # what lacks it is the whole section
    got = "" if place["type"] == "missing" else f" (got {place['input']!r})"
    return f"{name}: {place['msg']}{got}"


def _section_of(raw: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = raw.get(name) or {}
    if not isinstance(section, dict):
        raise BadParams(
            f"'{path}' holds {section!r} where '{name}' should hold names and values, "
            "indented below it."
        )
    return section


def lay_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """The base with the values of `top` in their places, section by section."""
    merged = dict(base)
    for name, value in top.items():
        both_sections = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = lay_over(merged[name], value) if both_sections else value
    return merged


def with_source(text: str, kind: str, path: str | None, sha256: str | None) -> str:
    """The text with source.kind, source.path and source.sha256 set; comments go to the column of
    the section's own.

    ruamel.yaml says on which line a value stands; the line is then edited as text, as writing the
    whole document anew would move its comments.
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
                f"source.{name} in params.yaml is not a plain value on its own line: "
                f"{lines[number].strip()!r}."
            )
        line = f"{found[1]} {word}"
        lines[number] = f"{line.ljust(comment_column - 1)} {found[2]}" if found[2] else line
    return "\n".join(lines) + "\n"


def _word(value: str | None) -> str:
    """The value as YAML; quoted, as a hash may look like a number and a path like anything."""
    return "null" if value is None else json.dumps(value, ensure_ascii=False)
