"""Malformed files through the real stages: what becomes of them by kind, and whether anything was lost, doubled or torn.

run     python -m benchmarks.malformed_inbox --files 2000 --seed 7
        python -m benchmarks.malformed_inbox --files 1 --first 1234 --seed 7      one of them again
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import ingest
from benchmarks.measured import ROOT, peak_mb
from contract.params import Params
from contract.params_file import load_params
from drills.malformed import Malformed, malformed
from reports.tables import text_table
from runtime.paths import Paths
from storage.store import open_store

State = dict[str, Any]  # what the store holds, in numbers
NOW = datetime(2024, 3, 15, 5)
LONGEST_REASON = 2500  # characters


@dataclass(frozen=True)
class Tried:
    """What became of one file. `broken`: every promise it broke, in words."""

    number: int
    kind: str
    outcome: str
    seconds: float
    broken: tuple[str, ...]


def small_params(root: Path = ROOT) -> Params:
    """The canonical reader, judged by Polars, few pages; a limit on unpacked size that the bombs exceed."""
    params = load_params(root / "params.yaml")
    source = params.source.model_copy(update={"kind": "simulator", "path": None, "max_unpacked_mb": 16.0})
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1, "keep_validation_pages": 3})
    return params.model_copy(update={"source": source, "ingest": rules})


def drop_and_take(file: Malformed, number: int, params: Params, places: Paths, before: State) -> tuple[Tried, State]:
    """One file dropped into the inbox and taken, every promise checked; and the state it left."""
    path = Path(os.fsdecode(os.fsencode(places.inbox) + b"/" + file.name.encode("utf-8", "surrogateescape")))
    path.write_bytes(file.content)
    started = time.perf_counter()
    try:
        summary = ingest.ingest(params, places, now=NOW)
    except Exception:
        path.unlink(missing_ok=True)
        told = traceback.format_exc().splitlines()
        crash = Tried(number, file.kind, "crashed", time.perf_counter() - started, (" | ".join(told[-3:]),))
        return crash, state_of(places)
    seconds = time.perf_counter() - started
    outcome = next(name for name in ("accepted", "known", "refused", "growing") if summary[name])
    if outcome == "accepted" and summary["rows_refused"]:
        outcome = "accepted in part" if summary["rows_out"] else "accepted, all rows quarantined"
    after = state_of(places)
    broken = tuple(_promises_broken(summary, outcome, before, after, places))
    return Tried(number, file.kind, outcome, seconds, broken), after


def state_of(places: Paths) -> State:
    """What the store holds, in numbers, and what lies in the archive."""
    with open_store(places.store) as con:
        facts = con.execute(
            "select (select count(*) from sales), (select coalesce(sum(y), 0) from sales), (select count(*) from prices), "
            "(select count(*) from calendar), (select count(*) from sales_superseded), (select count(*) from series_attributes)"
        ).fetchall()[0]
        told = con.execute("select coalesce(sum(rows_accepted), 0), count(*) from batches").fetchall()[0]
        torn = con.execute("select count(*) from batches where rows_in <> rows_accepted + rows_refused").fetchall()[0][
            0
        ]
        refused = con.execute(
            "select count(*) from batches b where rows_refused <> "
            "(select coalesce(sum(lines), 0) from quarantine q where q.batch_id = b.batch_id)"
        ).fetchall()[0][0]
        twice = con.execute("select count(*) from (select 1 from sales group by unique_id, ds having count(*) > 1)")
        doubled = twice.fetchall()[0][0]
    archived = sum(1 for path in places.archive.rglob("*") if path.is_file())
    return {"facts": facts, "ledger": told, "torn": torn + refused + doubled, "archived": archived}


def _promises_broken(summary: dict, outcome: str, before: dict, after: dict, places: Paths):
    if any(path for path in places.inbox.iterdir() if path.name != ".lock"):
        yield "the file still lies in the inbox"
    if {path.name for path in places.root.parent.iterdir()} != {places.root.name}:
        yield "something was written outside the data folder"
    if after["torn"]:
        yield "rows in are not rows accepted and refused, or a row is there twice"
    if outcome == "refused":
        reason = next(iter(summary["why_refused"].values()), "")
        if not reason or "Traceback" in reason or len(reason) > LONGEST_REASON:
            yield f"no reason, or none for people: {reason[:200]!r} ({len(reason)} characters)"
        if after["facts"] != before["facts"]:
            yield "refused, and yet the store changed"
    if outcome != "known" and after["ledger"][1] <= before["ledger"][1] and outcome != "refused":
        yield "no ledger line"
    if summary["rows_in"] != summary["rows_out"] + summary["rows_refused"]:
        yield "rows in are not rows out and refused"


def tried_all(files: int, seed: int, first: int = 0) -> list[Tried]:
    """So many files of a seed, one after the other, into one store."""
    with tempfile.TemporaryDirectory() as folder:
        places, params = Paths(Path(folder) / "data"), small_params()
        places.inbox.mkdir(parents=True)
        state, results = state_of(places), []
        for k, file in enumerate(malformed(seed, files, first)):
            result, state = drop_and_take(file, first + k, params, places, state)
            results.append(result)
        return results


def tried_alone(files: int, seed: int, first: int = 0) -> tuple[list[Tried], float]:
    """As `tried_all`, in a process of its own; and the MB it held at most."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        results = alone.submit(tried_all, files, seed, first).result()
        return results, alone.submit(peak_mb).result()


def table(results: list[Tried]) -> str:
    """Inputs and outcomes by kind."""
    by_kind: dict[str, list[Tried]] = defaultdict(list)
    for one in results:
        by_kind[one.kind].append(one)
    rows = []
    for kind, tried in by_kind.items():
        outcomes = Counter(one.outcome for one in tried)
        told = ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common())
        rows.append(
            [
                kind,
                str(len(tried)),
                told,
                str(sum(bool(one.broken) for one in tried)),
                f"{max(one.seconds for one in tried):.2f}",
            ]
        )
    return text_table(["kind", "tried", "outcomes", "promises broken", "slowest, s"], rows)


def main() -> None:
    """Try, print, and name what broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    results, peak_mb = tried_alone(arguments.files, arguments.seed, arguments.first)
    print(table(results))
    broken = [vars(one) for one in results if one.broken]
    told = {"files": len(results), "broken": len(broken), "peak_mb": round(peak_mb)}
    print(json.dumps(told))
    for one in broken[:40]:
        print(json.dumps(one, default=str)[:700])


if __name__ == "__main__":
    main()
