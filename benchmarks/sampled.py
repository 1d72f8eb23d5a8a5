"""A door run in this process while a second thread looks, every few milliseconds, at the function of ours it is in.

run     python -m benchmarks.sampled SAMPLES_FILE DOOR ARGUMENTS ...

A look counts for the innermost function of this repository on the main thread's stack: what a library does for it is its own.
"""

from __future__ import annotations

import json
import runpy
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from benchmarks.measured import ROOT

EVERY_S = 0.005
NOBODYS = {
    str(Path(__file__).resolve()),
    str(ROOT / "features" / "cores.py"),
}  # what threads do is whoever's asked them


def main() -> None:
    """Run the door, then tell seconds by function."""
    file, door, *arguments = sys.argv[1:]
    seconds: Counter[str] = Counter()
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(threading.get_ident(), seconds, is_over))
    sys.argv = [door, *arguments]
    watcher.start()
    try:
        runpy.run_path(str(ROOT / door), run_name="__main__")
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
    """Module and function of the innermost frame of ours; imports are told apart."""
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith("<frozen importlib"):
            return "importing"
        if path.startswith(str(ROOT)) and "site-packages" not in path and path not in NOBODYS:
            return f"{Path(path).relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "start"


if __name__ == "__main__":
    main()
