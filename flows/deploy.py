"""Production on this machine: a Prefect server, the deployments of prefect.yaml, and one worker,
until Ctrl-C.

A worker that dies is started again; a run whose process died is marked and started once more
(flows/crashed_runs.py).

run     python flows/deploy.py    server, worker and schedules here (make serve)
        PREFECT_API_URL=http://host:4200/api python flows/deploy.py
                                  the deployments and a worker against that server
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flows import SETTINGS  # noqa: E402 -- the path comes first
from flows.crashed_runs import keep  # noqa: E402

POOL = "tillcast"
# another file than prefect.yaml: the test of production has schedules of seconds
PLAN = "TILLCAST_DEPLOYMENTS"
HERE = "http://127.0.0.1:4200/api"
OURS = ("127.0.0.1", "localhost")
SERVER, OTHER, NOTHING = "a Prefect server", "another program", "nothing"
START_S, STOP_S = 180, 20
LOOK_EVERY_S, PAUSE_S = 10, 5
_NOT_REACHED = (urllib.error.URLError, http.client.HTTPException, OSError)


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; nothing this started is left running."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # no arguments, but --help prints help and a slip of the pen starts no server
    parser.parse_args(argv)
    # SIGTERM ends it like Ctrl-C, so that children end too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    url = os.environ.get("PREFECT_API_URL", HERE)
    environment = {**SETTINGS, **os.environ, "PREFECT_API_URL": url}
    os.environ["PREFECT_API_URL"] = url
    try:
        with ExitStack() as running:
            address = urllib.parse.urlsplit(url)
            found = _found_at(url)
            if found == OTHER:
                print(f"refused: {_taken(url)}", file=sys.stderr)
                return 1
            if found == NOTHING:
                where = ["--host", str(address.hostname), "--port", str(address.port)]
                server = _process(["server", "start", *where], environment)
                _wait_for(f"{url}/health", running.enter_context(server))
            else:
                _wait_for(f"{url}/health")
            _deploy(environment)
            pages = url.removesuffix("/api")
            _print([f"Prefect's pages at {pages}, schedules in prefect.yaml; Ctrl-C ends all"])
            while True:
                _work(environment)
    except KeyboardInterrupt:
        return 0


def _deploy(environment: dict[str, str]) -> None:
    """The pool and the deployments of the plan."""
    plan = os.environ.get(PLAN, "prefect.yaml")
    # one run at a time in the whole pool: daily and weekly never both want to write the store
    _prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment)
    _prefect(["work-pool", "set-concurrency-limit", POOL, "1"], environment)
    _prefect(["deploy", "--all", "--prefect-file", plan], environment)


def _work(environment: dict[str, str]) -> None:
    """One worker for as long as it lives, and what died looked after."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        _print(keep(client, POOL, worker_is_down=True))
        with _process(["worker", "start", "--pool", POOL], environment) as worker:
            while worker.poll() is None:
                time.sleep(LOOK_EVERY_S)
                _print(keep(client, POOL))
    _print([f"the worker ended with {worker.returncode}; another one starts in {PAUSE_S} s"])
    time.sleep(PAUSE_S)


def _print(sentences: list[str]) -> None:
    for sentence in sentences:
        print(f"production: {sentence}", flush=True)


def _found_at(url: str) -> str:
    """What listens at an address: SERVER, OTHER (it is no Prefect server), or NOTHING. A server of
    another machine is waited for, never started.
    """
    if urllib.parse.urlsplit(url).hostname not in OURS:
        return SERVER
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 -- http to the configured server
            return SERVER
    except urllib.error.URLError as error:
        return NOTHING if isinstance(error.reason, ConnectionRefusedError) else OTHER
    except _NOT_REACHED:  # it listens, and does not speak HTTP
        return OTHER


def _taken(url: str) -> str:
    """Why no server can be started at an address where another program listens."""
    port = urllib.parse.urlsplit(url).port
    return (
        f"port {port} is taken by another program, which is no Prefect server. End it, or serve "
        f"elsewhere: PREFECT_API_URL=http://127.0.0.1:{(port or 0) + 1}/api make serve"
    )


def _prefect(arguments: list[str], environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 -- our own command


@contextmanager
def _process(
    arguments: list[str], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A Prefect process for as long as the block runs; terminated, then killed if need be."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603 -- our own command
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes] | None = None) -> None:
    """Return once the server can be reached; its first start migrates a database. Not waited for
    once its process has ended.
    """
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- http to the configured server
                return
        except _NOT_REACHED:
            has_ended = server is not None and server.poll() is not None
            if has_ended or time.monotonic() > deadline:
                raise
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
