"""A PostgreSQL of our own on this machine: for tests, and to measure against."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

START_S = 60


def binaries() -> Path | None:
    """Where PostgreSQL's programs lie: of the system, of Debian's packages, of the extra
    `sql-test`; None where there are none, or no driver.
    """
    if find_spec("psycopg") is None:
        return None
    found = [Path(one).resolve().parent for one in [shutil.which("initdb")] if one]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if (spec := find_spec("pgserver")) and spec.origin:
        found.append(Path(spec.origin).parent / "pginstall" / "bin")
    return next((one for one in found if (one / "postgres").exists()), None)


@dataclass(frozen=True)
class Postgres:
    """A server: its port, its process, and what its owner runs on it."""

    port: int
    pid: int

    def url(self, port: int | None = None, who: str = "owner:own3r%21word") -> str:
        """Its url, over another port or for another user if need be."""
        return f"postgresql://{who}@127.0.0.1:{port or self.port}/postgres"

    def run(self, *statements: str, rows: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of the last statement; the first once for each of `rows`."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as con, con.cursor() as cursor:
            if rows is not None:
                cursor.executemany(statements[0], rows)
                return []
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def served(programs: Path) -> Iterator[Postgres]:
    """A fresh server with one superuser, which ends with the block."""
    # a server refuses to run as root, and who runs it must reach its folder
    other = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="tillcast-pg-"))
    password, data = folder / "password", folder / "data"
    password.write_text("own3r!word\n", encoding="utf-8")
    if other:
        for path in (folder, password):
            os.chown(path, other.pw_uid, other.pw_gid)
    as_other = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []} if other else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    start = [programs / "postgres", "-D", data, "-k", folder, "-p", str(port), "-F"]
    init = [programs / "initdb", "-D", data, "-U", "owner", "--pwfile", password, "-N"]
    init += ["--auth=scram-sha-256", "-E", "UTF8", "--locale=C"]
    with (folder / "log").open("w") as log:
        options: dict[str, Any] = {"stdout": log, "stderr": log, "cwd": folder, **as_other}
        subprocess.run(init, check=True, **options)  # noqa: S603 -- our own command
        server = subprocess.Popen(start, **options)  # noqa: S603 -- our own command
        try:
            made = Postgres(port, server.pid)
            _until_it_responds(made, server)
            yield made
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _until_it_responds(made: Postgres, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(psycopg.OperationalError):
            made.run("select 1")
            return
        time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL did not start within {START_S} s (exit code {server.poll()})")
