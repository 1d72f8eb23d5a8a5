"""`make serve` at a port that it cannot have."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest

from flows.deploy import NOTHING, OTHER, SERVER, _found_at, main


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


class Healthy(Web):
    """Says that it is well, and counts how often it had to."""

    looks = 0

    def do_GET(self) -> None:
        type(self).looks += 1
        self.send_response(200)
        self.end_headers()


def test_a_server_is_found_with_one_look() -> None:
    with listens(Healthy) as url:
        assert _found_at(url) == SERVER
    assert Healthy.looks == 1


@pytest.mark.parametrize("program", [Web, Mute])
def test_a_port_that_another_program_has_is_said_at_once(program, monkeypatch, capsys) -> None:
    with listens(program) as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        assert _found_at(url) == OTHER
        assert main([]) == 1
    port = urlsplit(url).port
    said = capsys.readouterr().err
    assert said.startswith(f"refused: port {port} is taken by another program")
    assert f":{port + 1}/api make serve" in said


def test_a_free_port_is_free(unused_port: int) -> None:
    assert _found_at(f"http://127.0.0.1:{unused_port}/api") == NOTHING


@pytest.fixture
def unused_port() -> int:
    with socketserver.TCPServer(("127.0.0.1", 0), Mute) as server:
        return server.server_address[1]
