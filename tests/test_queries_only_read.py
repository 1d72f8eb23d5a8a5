"""Queries only read: every store they open is opened read-only, and nothing of storage that writes
is imported. Which functions write is derived from storage's own SQL. That running them changes no
byte is shown in tests/flows/test_queries.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

WRITES = re.compile(
    r"\b(?:insert\s+(?:or\s+replace\s+)?into|delete\s+from|merge\s+into|update\s+\S+(?:\s+as\s+\w+)?\s+set"
    r"|alter\s+table|drop\s+table|create\s+table|begin\s+transaction|truncate)\b",
    re.IGNORECASE,
)
WRITES_ELSEWHERE = {
    "storage.snapshot.write_snapshot": "into the copy; the store itself it opens read-only",
}
OPENS = {"open_store", "read_store"}  # judged by read_only; a store of an older schema is migrated


def trees_of(folder: Path) -> dict[str, ast.Module]:
    """Module name to its tree: `storage.facts`."""
    return {
        f"{folder.name}.{path.stem}": ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.py"))
    }


def sql_in(node: ast.AST) -> Iterator[str]:
    """Every text under a node but docstrings; of an f-string its template."""
    docstrings = {
        id(part.body[0].value)
        for part in ast.walk(node)
        if isinstance(part, ast.FunctionDef | ast.ClassDef | ast.Module)
        and isinstance(part.body[0], ast.Expr)
    }
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            yield ast.unparse(part)
        elif isinstance(part, ast.Constant) and id(part) not in docstrings:
            yield str(part.value)


def names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def writers_in(modules: dict[str, ast.Module]) -> set[str]:
    """The module-level names, `storage.facts.write_rows`, whose SQL writes: in the function or
    constant itself, or in what it names of this package.
    """
    nodes, uses = {}, {}
    for module, tree in modules.items():
        imported = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [node]
            for target in targets:
                if name := getattr(target, "id", getattr(target, "name", None)):
                    nodes[f"{module}.{name}"] = node
                    uses[f"{module}.{name}"] = {
                        imported.get(used, f"{module}.{used}") for used in names_in(node)
                    }
    writing = {name for name, node in nodes.items() if any(map(WRITES.search, sql_in(node)))}
    writing = {name for name in writing if name.rpartition(".")[2] not in OPENS}
    while True:
        more = {name for name in nodes if uses[name] & writing} - writing
        more = {name for name in more if name.rpartition(".")[2] not in OPENS}
        if not more:
            return writing
        writing |= more


def broken_rules(queries: dict[str, ast.Module], writers: set[str]) -> list[str]:
    """One sentence for each place where a query could write."""
    broken = []
    for module, tree in queries.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                names -= set(WRITES_ELSEWHERE)
                broken += [f"{module} imports {name}" for name in sorted(names & writers)]
                broken += [f"{module} imports all of storage"] * (node.module == "storage")
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
                broken += [f"{module} imports {name}" for name in names if "storage" in name]
            elif isinstance(node, ast.Call) and called(node) == "open_store":
                only_read = [word.value for word in node.keywords if word.arg == "read_only"]
                if not (only_read and getattr(only_read[0], "value", None) is True):
                    broken.append(f"{module}:{node.lineno} opens the store to write")
    return broken


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


@pytest.fixture(scope="module")
def writers(root: Path) -> set[str]:
    return writers_in(trees_of(root / "storage"))


def test_storage_says_itself_what_writes(writers: set[str]) -> None:
    assert writers >= {
        "storage.batches.write_delivery",
        "storage.forecasts.publish",
        "storage.alerts.raise_alert",
        "storage.answers.mute",
        "storage.models.promote",
        "storage.runs.write_run",
        "storage.store.transaction",
        "storage.store.claim",
    }
    assert not writers & {
        "storage.forecasts.latest_forecasts",
        "storage.panel.read_panel",
        "storage.quarantine.read_quarantine",
        "storage.answers.muted",
        "storage.runs.read_runs",
    }


def test_no_query_can_write(root: Path, writers: set[str]) -> None:
    queries = trees_of(root / "queries")
    assert set(WRITES_ELSEWHERE) <= writers  # each exception is still needed
    opening = [
        node
        for tree in queries.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) == "open_store"
    ]
    assert len(opening) > 5
    assert broken_rules(queries, writers) == []


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("open_store(path)", "queries.x:1 opens the store to write"),
        ("open_store(path, 3.0, read_only=False)", "queries.x:1 opens the store to write"),
        ("store.open_store(path, 3.0, True)", "queries.x:1 opens the store to write"),
        ("open_store(path, read_only=is_quiet)", "queries.x:1 opens the store to write"),
        (
            "from storage.alerts import raise_alert",
            "queries.x imports storage.alerts.raise_alert",
        ),
        (
            "def later():\n    from storage.runs import write_run as note",
            "queries.x imports storage.runs.write_run",
        ),
        ("import storage.runs", "queries.x imports storage.runs"),
        ("from storage import runs", "queries.x imports all of storage"),
    ],
)
def test_each_rule_has_been_seen_to_fail(source: str, rule: str, writers: set[str]) -> None:
    assert broken_rules({"queries.x": ast.parse(source)}, writers) == [rule]


def test_what_reads_is_let_be(writers: set[str]) -> None:
    source = "from storage.runs import read_runs\nopen_store(path, 3.0, read_only=True)"
    assert broken_rules({"queries.x": ast.parse(source)}, writers) == []
