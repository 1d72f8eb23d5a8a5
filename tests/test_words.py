"""Plain words in code: the retired words of retired_words.txt stand in no identifier, comment or
docstring. Words on disk, which stay, are strings.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {".venv", "data"}  # nobody's code
PATHS = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).parts[0] not in LEFT_OUT
)
HOMES = sorted({path.parts[0] for path in PATHS})
ALLOWED_NAMES = {  # identifiers that may stand anywhere
    "ast.walk": "Python's",
    ".floor": "rounds down, in NumPy and Polars",
    "FloorDiv": "of Python's ast: //",
    "default_factory": "of dataclasses",
    "tmp_path_factory": "pytest's",
    "TempPathFactory": "pytest's",
    "answer_alerts": "a person answers an alert: takes it on, mutes or resolves it",
    "alert_answers": "the same, read",
    "answers": "the same, in the store and in what monitor.py reads",
    "answers_at": "the same, at a moment",
    "Answers": "the same, as a value",
}
ALLOWED_IN_FILES = {  # identifiers that may stand in one file
    ("storage/runs.py", "door"): "the column runs.door",
    ("tests/monitoring/test_steadiness.py", "door"): "the column runs.door",
}
ALLOWED_PHRASES = {  # in comments and docstrings
    "make room": "ordinary English: free space on a disk",
    "answers? (?:to )?alerts?": "a person does, see answer_alerts",
    "does not answer": "ordinary English: a server",
    "answers at once": "ordinary English: --help",
}
Places = Iterator[tuple[int, str]]  # a line's number, and an identifier or a text of it


def names_in(source: str, allowed: frozenset[str]) -> Places:
    """Every identifier that is not allowed, CamelCase written with underscores. After a dot it is
    allowed with the dot, or with the name before it.
    """
    owner, dot = "", ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            spellings = {token.string, f"{dot}{token.string}", f"{owner}{dot}{token.string}"}
            if not spellings & allowed:
                yield token.start[0], re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", token.string)
            owner, dot = token.string, ""
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            owner, dot = (owner, ".") if token.string == "." else ("", "")


def prose_in(source: str) -> Places:
    """Every comment and docstring, line by line; names in backticks and quotations left out."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], without_quotations(token.string)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            for number, line in enumerate(without_quotations(text or "").splitlines()):
                yield node.body[0].lineno + number, line


def text_of(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def is_named(name: str, code: str) -> bool:
    begin = "" if name.startswith(".") else r"\b"
    return re.search(rf"{begin}{re.escape(name)}\b", code) is not None


def without_quotations(text: str) -> str:
    """The text without what stands in backticks or double quotes, its lines kept."""
    quoted = r"`[^`]*`|\"[^\"\n]*(?:\n[^\"\n]+)?\""
    text = re.sub(quoted, lambda found: "\n" * found[0].count("\n"), text)
    for phrase in ALLOWED_PHRASES:
        text = re.sub(rf"\b{phrase}\b", "", text, flags=re.IGNORECASE)
    return text


def retired_in(source: str, retired: str, path: str = "") -> list[tuple[int, str]]:
    """Line and word of every retired word in a module, in the order of lines."""
    word = re.compile(rf"(?<![A-Za-z])(?:{retired})(?![A-Za-z])", flags=re.IGNORECASE)
    of_file = {name for file, name in ALLOWED_IN_FILES if file == path}
    allowed = frozenset(ALLOWED_NAMES) | of_file
    places = [*names_in(source, allowed), *prose_in(source)]
    return sorted({(line, hit[0]) for line, text in places for hit in word.finditer(text)})


@pytest.mark.parametrize("home", HOMES)
def test_no_retired_word_stands_in_code(home: str, retired_words: str) -> None:
    hits = [
        f"{path}:{line}:{word}"
        for path in PATHS
        if path.parts[0] == home
        for line, word in retired_in(text_of(path), retired_words, path.as_posix())
    ]
    if hits:
        pytest.fail(f"{len(hits)} retired words\n" + "\n".join(hits), pytrace=False)


def test_every_exception_is_still_needed() -> None:
    code = "\n".join(text_of(path) for path in PATHS if path.name != Path(__file__).name)
    assert [name for name in ALLOWED_NAMES if not is_named(name, code)] == []
    in_files = [(text_of(Path(file)), name) for file, name in ALLOWED_IN_FILES]
    assert [name for text, name in in_files if not is_named(name, text)] == []


def test_identifiers_comments_and_docstrings_are_seen_and_quotations_are_not(
    retired_words: str,
) -> None:
    source = '''"""Came true; `told` and "the desk" are names. Make room for one line.

The floor below.
"""
import ast
class ServerSilent: ...
def _both_told(door, default_factory=None):  # an alert rings
    text = "a door in a string"
    return ast.walk(door), door.floor(), strangely, brings
def walk(): ...
'''
    assert retired_in(source, retired_words) == [
        (1, "Came true"),
        (3, "floor"),
        (6, "Silent"),
        (7, "door"),
        (7, "rings"),
        (7, "told"),
        (9, "door"),
        (10, "walk"),
    ]
