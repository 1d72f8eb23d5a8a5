"""Runs a script under limits, or until it touches its data folder for the n-th time and dies of it (SIGKILL).

run     python drills/disturbed.py '{"data": DIR, "die_at": N, "limits": {"RLIMIT_FSIZE": BYTES}}' SCRIPT [ARGUMENTS]

A touch: a file opened to write, renamed, removed, a folder made. die_at 0: dies of none, and says on stderr how many there were.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import sys
from pathlib import Path

TOUCHES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile"}


def armed(at: int, data: str) -> list[int]:
    """The running count of touches; from now on the `at`-th kills this process."""
    count = [0]

    def hook(event: str, arguments: tuple) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wxa"
        if not (writes or event in TOUCHES) or not os.path.abspath(str(arguments[0])).startswith(data):  # noqa: PTH100
            return
        count[0] += 1
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return count


def main() -> None:
    """Arm, and be the script from here on."""
    told, (script, *arguments) = json.loads(sys.argv[1]), sys.argv[2:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    for name, most in told["limits"].items():
        resource.setrlimit(getattr(resource, name), (most, most))
    count = armed(told["die_at"], told["data"])
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        if told["die_at"] == 0:
            print(json.dumps({"touches": count[0]}), file=sys.stderr)


if __name__ == "__main__":
    main()
