"""The measured process: `python -m benchmarks.harness.child work|command|sample ...`.

work MODULE:FUNCTION RUNS ARGUMENTS   what the function makes (a callable), called once to warm up,
                                      then RUNS times; arguments as JSON; one JSON line at the end
command WORDS                         a command, waited for; what it prints goes to stderr
sample FILE SCRIPT ARGUMENTS          a script in this process, its seconds by function in FILE
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import FrameType

from benchmarks.harness.process import peak_mb
from benchmarks.harness.results import ROOT

EVERY_S = 0.005
COUNTED_FOR_CALLERS = {str(Path(__file__).resolve()), str(ROOT / "features" / "cores.py")}


def work(name: str, runs: str, *arguments: str) -> None:
    """Seconds of each run, the peak of the process, what the last run returned."""
    module, _, function = name.partition(":")
    made = getattr(import_module(module), function)(*map(json.loads, arguments))
    result, seconds = made(), []
    for _ in range(int(runs)):
        started = time.perf_counter()
        result = made()
        seconds.append(round(time.perf_counter() - started, 4))
    print(json.dumps({"seconds": seconds, "rss_mb": round(peak_mb()), "result": result}))


def command(*words: str) -> None:
    """How it ended, seconds, CPU seconds, peak memory."""
    started, to_stderr = time.perf_counter(), [(os.POSIX_SPAWN_DUP2, 2, 1)]
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=to_stderr)
    _, status, used = os.wait4(pid, 0)
    took = {
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }
    print(json.dumps(took))


def sample(file: str, script: str, *arguments: str) -> None:
    """The script runs here while a second thread looks, every few milliseconds, at the function it
    is in: the innermost of this repository on the main thread's stack, as what a library does for
    it is its own. Seconds by function go into the file.
    """
    seconds: Counter[str] = Counter()
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(threading.get_ident(), seconds, is_over))
    sys.argv = [script, *arguments]
    watcher.start()
    try:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    finally:
        is_over.set()
        watcher.join()
        Path(file).write_text(json.dumps(dict(seconds.most_common())), encoding="utf-8")


def _watch(thread: int, seconds: Counter[str], is_over: threading.Event) -> None:
    looked = time.perf_counter()
    while not is_over.wait(EVERY_S):
        place, now = _place(sys._current_frames()[thread]), time.perf_counter()
        seconds[place] += now - looked
        looked = now


def _place(frame: FrameType | None) -> str:
    """Module and function of the innermost frame of ours; imports are counted apart."""
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith("<frozen importlib"):
            return "importing"
        ours = path.startswith(str(ROOT)) and "site-packages" not in path
        if ours and path not in COUNTED_FOR_CALLERS:
            module = Path(path).relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "start"


if __name__ == "__main__":
    mode, *given = sys.argv[1:]
    {"work": work, "command": command, "sample": sample}[mode](*given)
