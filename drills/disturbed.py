"""Runs a script under limits, on a slow disk, or until its n-th touch of the data folder kills it
or its worker (SIGKILL).

run     python drills/disturbed.py INSTRUCTIONS SCRIPT [ARGUMENTS]

INSTRUCTIONS is JSON:
{"data": DIR, "die_at": N, "victim": WHO, "slow_ms": MS, "limits": {"RLIMIT_FSIZE": BYTES}}

A touch: a file opened to write, renamed, removed, a folder made; each takes `slow_ms` longer.
die_at 0: nobody dies, and the number of touches is printed on stderr. WHO: "run", this script;
"worker", the process that started it and watches it.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import sys
import time
from pathlib import Path

TOUCHES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile"}


def armed(at: int, victim: int, slow_ms: int, data: str) -> list[int]:
    """The running count of touches; each is slower from now on, the `at`-th kills the victim."""
    count = [0]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wxa"
        if not (writes or event in TOUCHES):
            return
        # as it was named; Path.resolve would follow links
        if not os.path.abspath(str(arguments[0])).startswith(data):  # noqa: PTH100
            return
        count[0] += 1
        time.sleep(slow_ms / 1000)
        if count[0] == at:
            os.kill(victim, signal.SIGKILL)

    sys.addaudithook(hook)
    return count


def watched_by_a_worker() -> int:
    """The worker's process id: this process goes on as its child, and the worker waits for how it
    ends.
    """
    worker = os.getpid()
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        os._exit(abs(os.waitstatus_to_exitcode(status)))
    return worker


def main() -> None:
    """Arm, and be the script from here on."""
    instructions, (script, *arguments) = json.loads(sys.argv[1]), sys.argv[2:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    for name, most in instructions["limits"].items():
        resource.setrlimit(getattr(resource, name), (most, most))
    victim = watched_by_a_worker() if instructions["victim"] == "worker" else os.getpid()
    die_at = instructions["die_at"]
    count = armed(die_at, victim, instructions["slow_ms"], instructions["data"])
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        if die_at == 0:
            print(json.dumps({"touches": count[0]}), file=sys.stderr)


if __name__ == "__main__":
    main()
