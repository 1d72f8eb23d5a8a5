"""What listens, and where."""

from __future__ import annotations

import ast
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.deploy import HERE, _is_here, _taken, main

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
    assert not _is_here(f"http://{host}:4200/api")


@contextmanager
def listens(handler: type) -> Iterator[str]:
    """The API address of a port at which another program listens."""
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api"
        finally:
            server.shutdown()
            thread.join()


class Web(BaseHTTPRequestHandler):
    """A web server that is not Prefect's: it knows no page."""

    def log_message(self, *_arguments: object) -> None:
        """No line on stderr."""


class Mute(socketserver.BaseRequestHandler):
    """What takes a connection and says nothing that is HTTP."""

    def handle(self) -> None:
        self.request.sendall(b"\x00\x01")


@pytest.mark.parametrize("program", [Web, Mute])
def test_a_port_that_another_program_has_is_said_at_once(program, monkeypatch, capsys) -> None:
    with listens(program) as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        assert _is_here(url)
        assert main([]) == 1
    port = urlsplit(url).port
    said = capsys.readouterr().err
    assert said.startswith(f"refused: port {port} is taken by another program")
    assert f":{port + 1}/api make serve" in said


def test_a_free_port_is_free(unused_port: int) -> None:
    assert _taken(f"http://127.0.0.1:{unused_port}/api") is None


@pytest.fixture
def unused_port() -> int:
    with socketserver.TCPServer(("127.0.0.1", 0), Mute) as server:
        return server.server_address[1]


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
