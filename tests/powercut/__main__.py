"""`python tests/powercut ...`: see harness.py.

Apart from it, as a file that ended a run is read by a new process (stages/tries.py), which begins
with what the main module imports.
"""

from __future__ import annotations

import sys

from harness import main

if __name__ == "__main__":
    sys.exit(main())
