"""A command, started from this small process and measured: seconds, CPU seconds, peak memory, how it ended, as one JSON line.

run     python -m benchmarks.alone COMMAND ...     (what the command prints goes to stderr)

Started from a process that holds a panel, a command would be told to have held one too: Linux counts a child's peak from what its
parent held at the start.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Start, wait, tell."""
    started = time.perf_counter()
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, used = os.wait4(pid, 0)
    told = {
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
