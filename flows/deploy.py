"""This machine as the factory: a Prefect server, the deployments of prefect.yaml, and one worker, until Ctrl-C.

run     python flows/deploy.py                    server, worker and schedules here (make serve)
        PREFECT_API_URL=http://host:4200/api python flows/deploy.py    the deployments and a worker against that server
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flows.engine import SETTINGS  # noqa: E402 -- the path comes first

POOL = "tillcast"
HERE = "http://127.0.0.1:4200/api"
START_S, STOP_S = 180, 20


def main() -> int:
    """Serve until interrupted; nothing this started is left running."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end like by Ctrl-C, so that children end too
    url = os.environ.get("PREFECT_API_URL", HERE)
    environment = {**SETTINGS, **os.environ, "PREFECT_API_URL": url}
    try:
        with ExitStack() as running:
            if url == HERE:
                running.enter_context(_process(["server", "start"], environment))
            _wait_for(f"{url}/health")
            # one run at a time in the whole pool: daily and weekly never both want to write the store
            _prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment)
            _prefect(["work-pool", "set-concurrency-limit", POOL, "1"], environment)
            _prefect(["--no-prompt", "deploy", "--all"], environment)
            return running.enter_context(_process(["worker", "start", "--pool", POOL], environment)).wait()
    except KeyboardInterrupt:
        return 0


def _prefect(arguments: list[str], environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "prefect", *arguments], cwd=ROOT, env=environment, check=True)  # noqa: S603


@contextmanager
def _process(arguments: list[str], environment: dict[str, str]):
    """A Prefect process for as long as the block runs; asked to end, and killed if it does not."""
    command = [sys.executable, "-m", "prefect", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 -- our own command
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str) -> None:
    """Return once the server answers; its first start migrates a database."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- http to the configured server
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
