"""Malformed files through the real ingest: what becomes of them by kind, and whether anything was
lost, doubled or torn.

One of them again: `--files 1 --first 1234 --seed 7`.
"""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import ingest
from benchmarks.harness.process import peak_mb
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import ROOT, Result
from benchmarks.render.markdown import markdown_table
from contract.params import Params
from contract.params_file import load_params
from drills.malformed import Malformed, malformed
from runtime.paths import Paths
from storage.store import open_store

State = dict[str, Any]  # what the store holds, in numbers
NOW = datetime(2024, 3, 15, 5)
LONGEST_REASON = 2500  # characters
QUERIES = {
    "facts": "select (select count(*) from sales), (select coalesce(sum(y), 0) from sales), "
    "(select count(*) from prices), (select count(*) from calendar), "
    "(select count(*) from sales_superseded), (select count(*) from series_attributes)",
    "ledger": "select coalesce(sum(rows_accepted), 0), count(*) from batches",
    "torn": "select count(*) from batches where rows_in <> rows_accepted + rows_refused",
    "refused": "select count(*) from batches b where rows_refused <> "
    "(select coalesce(sum(lines), 0) from quarantine q where q.batch_id = b.batch_id)",
    "doubled": "select count(*) from "
    "(select 1 from sales group by unique_id, ds having count(*) > 1)",
}


@dataclass(frozen=True)
class Tried:
    """What became of one file. `broken`: every invariant it broke, in words."""

    number: int
    kind: str
    outcome: str
    seconds: float
    broken: tuple[str, ...]


def small_params(root: Path = ROOT) -> Params:
    """The canonical reader, judged by Polars, few pages; a limit on unpacked size that the bombs
    exceed.
    """
    params = load_params(root / "params.yaml")
    source = params.source.model_copy(
        update={"kind": "simulator", "path": None, "max_unpacked_mb": 16.0}
    )
    rules = params.ingest.model_copy(
        update={"great_expectations_max_rows": 1, "keep_validation_pages": 3}
    )
    return params.model_copy(update={"source": source, "ingest": rules})


def drop_and_take(
    file: Malformed, number: int, params: Params, paths: Paths, before: State
) -> tuple[Tried, State]:
    """One file dropped into the inbox and taken, every invariant checked; and the state it left."""
    path = Path(
        os.fsdecode(os.fsencode(paths.inbox) + b"/" + file.name.encode("utf-8", "surrogateescape"))
    )
    path.write_bytes(file.content)
    started = time.perf_counter()
    try:
        summary = ingest.ingest(params, paths, now=NOW)
    except Exception:
        path.unlink(missing_ok=True)
        lines, seconds = traceback.format_exc().splitlines(), time.perf_counter() - started
        return Tried(number, file.kind, "crashed", seconds, (" | ".join(lines[-3:]),)), state_of(
            paths
        )
    seconds = time.perf_counter() - started
    outcome, after = _outcome(summary), state_of(paths)
    broken = [*_rows_broken(summary, outcome, before, after), *_files_broken(paths)]
    return Tried(number, file.kind, outcome, seconds, tuple(broken)), after


def state_of(paths: Paths) -> State:
    """What the store holds, in numbers, and what lies in the archive."""
    with open_store(paths.store) as con:
        found = {name: con.execute(question).fetchall()[0] for name, question in QUERIES.items()}
    torn = found["torn"][0] + found["refused"][0] + found["doubled"][0]
    archived = sum(1 for path in paths.archive.rglob("*") if path.is_file())
    return {"facts": found["facts"], "ledger": found["ledger"], "torn": torn, "archived": archived}


def _outcome(summary: Result) -> str:
    outcome = next(name for name in ("accepted", "known", "refused", "growing") if summary[name])
    if outcome == "accepted" and summary["rows_refused"]:
        return "accepted in part" if summary["rows_out"] else "accepted, all rows quarantined"
    return outcome


def _files_broken(paths: Paths) -> Iterator[str]:
    if any(paths.inbox.iterdir()):
        yield "the file still lies in the inbox"
    if {path.name for path in paths.root.parent.iterdir()} != {paths.root.name}:
        yield "something was written outside the data folder"


def _rows_broken(summary: Result, outcome: str, before: State, after: State) -> Iterator[str]:
    if after["torn"]:
        yield "rows in are not rows accepted and refused, or a row is there twice"
    if outcome == "refused":
        reason = next(iter(summary["why_refused"].values()), "")
        if not reason or "Traceback" in reason or len(reason) > LONGEST_REASON:
            yield f"no reason, or none for people: {reason[:200]!r} ({len(reason)} characters)"
        if after["facts"] != before["facts"]:
            yield "refused, and yet the store changed"
    elif outcome != "known" and after["ledger"][1] <= before["ledger"][1]:
        yield "no ledger line"
    if summary["rows_in"] != summary["rows_out"] + summary["rows_refused"]:
        yield "rows in are not rows out and refused"


def tried_all(files: int, seed: int, first: int = 0) -> list[Tried]:
    """So many files of a seed, one after the other, into one store."""
    with tempfile.TemporaryDirectory() as folder:
        paths, params = Paths(Path(folder) / "data"), small_params()
        paths.inbox.mkdir(parents=True)
        state, results = state_of(paths), []
        for k, file in enumerate(malformed(seed, files, first)):
            result, state = drop_and_take(file, first + k, params, paths, state)
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
        counts = Counter(one.outcome for one in tried).most_common()
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in counts)
        broken = str(sum(bool(one.broken) for one in tried))
        slowest = f"{max(one.seconds for one in tried):.2f}"
        rows.append([kind, str(len(tried)), outcomes, broken, slowest])
    return markdown_table(["kind", "tried", "outcomes", "invariants broken", "slowest, s"], rows)


def measure(context: Context) -> Result:
    """Try, print by kind, and name what broke an invariant."""
    options = context.options
    results, most_mb = tried_alone(options.files, options.seed, options.first)
    print(table(results))
    broken = [vars(one) for one in results if one.broken]
    size = {"files": len(results), "seed": options.seed, "peak_mb": round(most_mb)}
    return size | {"broken": len(broken), "first_broken": broken[:40]}


BENCHMARK = Benchmark(
    question="What becomes of malformed files, and is anything lost, doubled or torn?",
    needs="nothing; minutes",
    measure=measure,
    options=(
        Option("files", "how many", 400, int),
        Option("first", "number of the first", 0, int),
        Option("seed", "of the files", 7, int),
    ),
)
