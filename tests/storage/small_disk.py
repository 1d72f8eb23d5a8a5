"""Run inside a mount namespace of its own (`unshare --mount`): ingest.py on a disk that fills up,
and on a read-only one.

Prints JSON: for each amount of free space what became of the run, and whether the run after more
was freed ended as on a large disk.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import ingest
from contract.errors import TillcastError
from contract.params import Params
from contract.params_file import load_laid
from runtime.paths import Paths
from storage.facts import read_fact
from storage.inbox import waiting_files
from storage.store import open_store

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2024, 3, 1, 5)
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"


def small() -> Params:
    """params.yaml, judged by Polars alone."""
    params = load_laid(ROOT / "params.yaml", None)
    rules = {"great_expectations_max_rows": 1, "lock_wait_s": 1.0}
    return params.model_copy(update={"ingest": params.ingest.model_copy(update=rules)})


def drop(paths: Paths, day: int, plus: int = 0, series: int = 20_000) -> None:
    """A day of many series: a store of some megabytes."""
    paths.inbox.mkdir(parents=True, exist_ok=True)
    lines = [f"s{k},2024-02-{day:02d},{3 + k % 5 + plus},CA,CA_1,F,F_1,s{k}" for k in range(series)]
    (paths.inbox / f"sales_{day}_{plus}.csv").write_text(
        "\n".join([HEADER, *lines]) + "\n", encoding="utf-8"
    )


def hash_of(paths: Paths) -> str:
    """The facts and the ledger as one hash."""
    with open_store(paths.store) as con:
        query = (
            "select name, rows_in, rows_accepted, rows_refused, status from batches order by name"
        )
        facts = str(con.execute(query).fetchall()) + read_fact(con, "sales").write_csv()
        facts += (
            con.sql("select * exclude batch_id from sales_superseded order by all").pl().write_csv()
        )
    return hashlib.sha256(facts.encode()).hexdigest()


def run(paths: Paths) -> str:
    """How ingest.py ended: done, or the refusal; any other error is a bug and is raised."""
    try:
        ingest.ingest(small(), paths, now=NOW)
    except TillcastError as refusal:
        return f"{type(refusal).__name__}: {refusal}"
    return "done"


def filled_up(disk: Path, before: Path, expected: str, free_kb: int) -> dict[str, object]:
    """The run with so much space left, then with enough again."""
    paths = Paths(disk / "data")
    shutil.rmtree(paths.root, ignore_errors=True)
    shutil.copytree(before, paths.root)
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    ballast.write_bytes(bytes(max(free - free_kb * 1024, 0)))
    first = run(paths)
    ballast.unlink()
    again = run(paths)
    is_whole = again == "done" and hash_of(paths) == expected and not waiting_files(paths.inbox)
    return {"free_kb": free_kb, "first": first, "again": again, "is_whole": is_whole}


def main() -> None:
    """Mount, fill, unmount; the namespace takes the mount with it when it ends."""
    logging.disable(logging.CRITICAL)
    disk, apart = Path(sys.argv[1]), Path(sys.argv[2])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], check=True)  # noqa: S603, S607
    large = Paths(apart / "large")
    drop(large, 1)
    assert run(large) == "done"
    drop(large, 2)
    drop(large, 1, plus=1)
    shutil.copytree(large.root, apart / "before")
    assert run(large) == "done"
    expected = hash_of(large)
    results = [
        filled_up(disk, apart / "before", expected, free_kb) for free_kb in map(int, sys.argv[3:])
    ]
    shutil.rmtree(disk / "data")
    shutil.copytree(apart / "before", disk / "data")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)  # noqa: S603, S607
    read_only = run(Paths(disk / "data"))
    with open_store(disk / "data" / "tillcast.duckdb", read_only=True) as con:
        rows = read_fact(con, "sales").height
    print(json.dumps({"full": results, "read_only": read_only, "rows_read": rows}))


if __name__ == "__main__":
    main()
