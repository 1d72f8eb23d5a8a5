"""python -m benchmarks list | run NAME [--data DIR] [options] | render"""

from __future__ import annotations

from benchmarks.harness.command_line import main

if __name__ == "__main__":
    main()
