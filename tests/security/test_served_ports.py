"""What listens, and where."""

from __future__ import annotations

import ast
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.deploy import HERE, NOTHING, _found_at

LISTENING = {"socket", "socketserver", "http.server", "asyncio", "uvicorn", "flask", "fastapi"}


def listening(name: str, tree: ast.Module) -> list[str]:
    """What a module imports to listen with."""
    found = []
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"{name} imports {one}" for one in names if one in LISTENING]
    return found


def test_the_server_listens_on_this_machine_alone() -> None:
    assert urlsplit(HERE).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["0.0.0.1", "[::]", "192.168.1.7", "shop.example", "127.0.0.1.evil"]
)
def test_no_server_is_started_for_another_address(host: str) -> None:
    assert _found_at(f"http://{host}:4200/api") != NOTHING


def test_nothing_else_listens(root: Path) -> None:
    paths = [path for path in sorted(root.rglob("*.py")) if _is_production(path.relative_to(root))]
    assert len(paths) > 200
    found = {
        one: path.relative_to(root).parts[0]
        for path in paths
        for one in listening(path.name, ast.parse(path.read_text("utf-8")))
    }
    assert set(found.values()) == {"app"}  # on this machine, or with a token: tests/app


@pytest.mark.parametrize("source", ["import socket", "from http.server import HTTPServer"])
def test_what_listens_is_seen(source: str) -> None:
    assert listening("m.py", ast.parse(source)) != []


def _is_production(path: Path) -> bool:
    return path.parts[0] not in {"tests", "benchmarks", "data", ".venv"}
