"""A mail server and a webhook of the test's own: what a message is when it arrives."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server (RFC 5321) that keeps what it is given."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[email.message.EmailMessage] = []

    @property
    def url(self) -> str:
        port = self.server_address[1]
        return f"mailto://127.0.0.1:{port}?from=till@shop.example&to=ada@shop.example&format=text"


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 mailbox")
        while command := self.rfile.readline().decode().strip().upper():
            if command == "DATA":
                self._say("354 go on")
                self._keep()
            elif command == "QUIT":
                self._say("221 bye")
                return
            self._say("250 ok")

    def _keep(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line.removeprefix(b".") for line in lines)
        self.server.mails.append(email.message_from_bytes(content, policy=email.policy.default))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(ThreadingHTTPServer):
    """An HTTP server that keeps what is posted; `status` is what it responds with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.posts: list[dict[str, str]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/hook"


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.posts.append(json.loads(content))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """No line on stderr."""


class Drip(socketserver.ThreadingTCPServer):
    """An HTTP server that sends a byte now and then, and never an end."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Drop)
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/hook"

    def server_close(self) -> None:
        self.is_over.set()
        super().server_close()


class _Drop(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with suppress(OSError):
            while not self.server.is_over.wait(0.05):
                self.request.sendall(b"a")


@contextmanager
def _served(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with _served(Mailbox()) as server:
        yield server


@pytest.fixture
def drip() -> Iterator[Drip]:
    with _served(Drip()) as server:
        yield server


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with _served(Webhook()) as server:
        yield server


@pytest.fixture
def addresses(monkeypatch):
    """`addresses(url, ...)`: what TILLCAST_NOTIFY holds from now on; no pause between tries."""
    monkeypatch.setattr("runtime.channels.PAUSE_S", 0.0)
    monkeypatch.delenv("TILLCAST_NOTIFY_FILE", raising=False)

    def name(*urls: str) -> None:
        monkeypatch.setenv("TILLCAST_NOTIFY", " ".join(urls))

    name()
    return name
