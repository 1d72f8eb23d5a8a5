"""Faults planted on purpose, at least one for each thing the harness looks for: what it must find,
or that it finds no other means little.

Each changes modules of the process it is called in, so call it in a child.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

_SLOW_S = 1.0  # how long a slow disk takes for half of a file
INGEST = ("new day", "restatement", "mixed inbox", "refused rows")


@dataclass(frozen=True)
class Fault:
    """What is planted, what the harness must say of it, and the steps that meet it. `window_s`: for
    how long a half state stands that a cut at a moment may meet; 0 where any kind of cut may.
    """

    plant: Callable[[], None]
    seen: str
    steps: tuple[str, ...]
    window_s: float = 0.0


def _statements_alone() -> None:
    """Each statement of a change is its own transaction."""
    import storage.journal

    storage.journal.transaction = _nothing


@contextmanager
def _nothing(con: Any, *_: Any) -> Iterator[None]:
    yield


def _look_outside_the_journal() -> None:
    """What a look leaves is in the store and not in its journal."""
    import storage.looks
    from storage.store import transaction

    storage.looks.recorded = lambda con, _: transaction(con)


def _archived_first() -> None:
    """A file goes to the archive before its rows are in the store."""
    from stages import judged_facts, take_file
    from storage.store import file_of

    read, write = judged_facts.read_file, take_file.write_delivery
    move, at = take_file.archive_file, []

    def reading(path: Path, *rest: Any, **more: Any) -> Any:
        at[:] = [path]
        return read(path, *rest, **more)

    def writing(con: Any, delivery: Any, batches: Any, sentences: Any) -> Any:
        archive = file_of(con).parent / "archive"
        is_refused = any(batch.reason for batch in batches)
        move(at[0], archive / "refused" if is_refused else archive, delivery.sha256)
        return write(con, delivery, batches, sentences)

    judged_facts.read_file, take_file.write_delivery = reading, writing
    take_file.archive_file = lambda path, *rest: move(path, *rest) if path.exists() else path


def _thrown_away() -> None:
    """A file that was taken is deleted."""
    from stages import take_file

    take_file.archive_file = lambda path, *_: path.unlink() or path


def _left_in_the_inbox() -> None:
    """A file that was taken is copied to the archive."""
    from stages import take_file

    move = take_file.archive_file

    def copying(path: Path, *rest: Any) -> Any:
        aside = path.with_name(f".{path.name}")
        shutil.copy(path, aside)
        target = move(path, *rest)
        aside.rename(path)
        return target

    take_file.archive_file = copying


def _in_place(module: Any) -> None:
    """A file is written where it is read, in two goes with a slow disk between them."""

    def halves(path: Path, text: str) -> None:
        path.write_text(text[: len(text) // 2], encoding="utf-8")
        time.sleep(_SLOW_S)
        path.write_text(text, encoding="utf-8")

    module.write_whole = halves


def _pages_in_place() -> None:
    import expectations.pages

    _in_place(expectations.pages)


def _json_in_place() -> None:
    import runtime.json_files

    _in_place(runtime.json_files)


def _orders_in_place() -> None:
    import reports.orders_page

    _in_place(reports.orders_page)


def _journal_dropped_first() -> None:
    """Compaction drops what its baseline replaces before that baseline is written."""
    import stages.compact
    from storage.store import file_of, journal_of, source_of

    begin = stages.compact.thin_and_begin_anew

    def dropping(con: Any, *rest: Any) -> None:
        journal = journal_of(file_of(con), source_of(con) or "")
        for entry in sorted(journal.glob("[0-9]*"))[:-1]:
            shutil.rmtree(entry)
        time.sleep(_SLOW_S)
        begin(con, *rest)

    stages.compact.thin_and_begin_anew = dropping


def _compacted_in_place() -> None:
    """The store is written again where it lies, in two goes with a slow disk between them."""
    import stages.compact

    def halves(store: Path, _: float) -> None:
        content = store.read_bytes()
        store.write_bytes(content[: len(content) // 2])
        time.sleep(_SLOW_S)
        store.write_bytes(content)

    stages.compact.write_again = halves


def _snapshot_in_place() -> None:
    """Dashboards' copy is written where they read it."""
    import flows.tasks

    def copying(_: Any, paths: Any) -> dict[str, Any]:
        paths.snapshot.parent.mkdir(exist_ok=True)
        content = paths.store.read_bytes()
        with paths.snapshot.open("wb") as file:
            for k in range(0, len(content), 1 << 18):
                file.write(content[k : k + (1 << 18)])
                file.flush()
                time.sleep(_SLOW_S * (1 << 18) / len(content))
        return {}

    flows.tasks.snapshot = copying


def _panel_goes_on() -> None:
    """A frozen panel that is there already is taken for whole."""
    import stages.freeze

    freeze = stages.freeze.freeze_files

    def unless_there(panel: Any, folder: Path, *rest: Any) -> Any:
        return panel if (folder / "sales.parquet").exists() else freeze(panel, folder, *rest)

    stages.freeze.freeze_files = unless_there


def _bundle_in_place() -> None:
    """A bundle is copied to where it is read; what lies there is taken for whole."""
    import stages.publish
    from forecasting.bundle import read_card
    from forecasting.champion import keep_calibration

    def copying(candidate: Path, backtest: Path, registry: Path) -> Any:
        card = read_card(candidate)
        target = registry / card["model_id"]
        if not target.exists():
            target.mkdir(parents=True)
            for path in sorted(candidate.iterdir()):
                shutil.copy(path, target)
                time.sleep(_SLOW_S)
            keep_calibration(backtest / "calibration.json", target)
        return card

    stages.publish.enter_registry = copying


def _published_first() -> None:
    """A model is champion before its bundle is in the registry."""
    import stages.publish

    enter, publish = stages.publish.enter_registry, stages.publish.publish_offline
    later: list[Any] = []

    def entering(candidate: Path, backtest: Path, registry: Path) -> Any:
        later[:] = [partial(enter, candidate, backtest, registry)]
        return stages.publish.read_card(candidate)

    def publishing(*arguments: Any) -> None:
        publish(*arguments)
        time.sleep(_SLOW_S)
        later[0]()

    from forecasting.bundle import read_card

    stages.publish.read_card = read_card
    stages.publish.enter_registry, stages.publish.publish_offline = entering, publishing


def never_synced() -> None:
    """Nothing is flushed to the disk before it gets its name."""
    os.fsync = lambda _: None


def _spoiling(*statements: str) -> Callable[[], None]:
    """Statements that no change should hold, in every one."""

    def plant() -> None:
        import storage.journal

        count = storage.journal.count

        def spoiled(con: Any, number: int) -> None:
            count(con, number)
            for statement in statements:
                con.execute(statement).fetchall()

        storage.journal.count = spoiled

    return plant


FAULTS: dict[str, Fault] = {
    "each statement its own transaction": Fault(
        _statements_alone, "", ("mixed inbox", "offline result", "second offline result")
    ),
    "archived before the commit": Fault(_archived_first, "tables batches differs", INGEST),
    "pages written in place": Fault(_pages_in_place, "is half", INGEST, window_s=2 * _SLOW_S),
    "a look outside the journal": Fault(
        _look_outside_the_journal, "rebuilt: tables decisions differs", ("look",)
    ),
    "a file thrown away": Fault(_thrown_away, "the archive does not hold content", INGEST),
    "a file left in the inbox": Fault(_left_in_the_inbox, "is in inbox and archive", INGEST),
    "JSON written in place": Fault(
        _json_in_place, "monitor.json is half", ("look",), window_s=2 * _SLOW_S
    ),
    "the orders' page in place": Fault(
        _orders_in_place, "orders.html is half", ("orders",), window_s=2 * _SLOW_S
    ),
    "a journal dropped before its baseline": Fault(
        _journal_dropped_first, "lacks the entries", ("compaction",), window_s=_SLOW_S
    ),
    "a store compacted in place": Fault(
        _compacted_in_place, "StoreBroken", ("compaction",), window_s=_SLOW_S
    ),
    "the dashboards' copy in place": Fault(
        _snapshot_in_place,
        "the dashboards' copy does not open",
        ("daily flow",),
        window_s=2 * _SLOW_S,
    ),
    "a half panel taken for whole": Fault(_panel_goes_on, "panel ", ("weekly flow",)),
    "a half bundle taken for whole": Fault(
        _bundle_in_place,
        "registry ",
        ("offline result", "second offline result"),
        window_s=2 * _SLOW_S,
    ),
    "champion before its bundle": Fault(
        _published_first,
        "the champion has no bundle",
        ("offline result", "second offline result"),
        window_s=2 * _SLOW_S,
    ),
}

# by the violation they bring about, see invariants.py
SPOILING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a batch does not account for its rows": (
        ("delete from quarantine where batch_id = (select max(batch_id) from quarantine)",),
        ("refused rows", "mixed inbox"),
    ),
    "a refused row has no batch": (
        ("update quarantine set batch_id = 999",),
        ("refused rows", "mixed inbox"),
    ),
    "a refused row was taken in by nobody": (
        ("update quarantine set replayed_by = batch_id where replayed_by is not null",),
        ("replay", "mended rows"),
    ),
    "a sale has no batch": (("update sales set batch_id = 999",), INGEST),
    "an earlier sale has no batch": (
        ("update sales_superseded set batch_id = 999",),
        ("restatement",),
    ),
    "a series and day stands twice": (
        ("insert into sales by name select * from sales limit 1",),
        INGEST,
    ),
    "a content was taken twice": (
        (
            "alter table batches rename to batches_once",
            "create table batches as select * from batches_once",
            "drop table batches_once",
            "insert into batches by name select * replace (batch_id + 500 as batch_id) "
            "from batches where rows_refused = 0 limit 1",
        ),
        INGEST,
    ),
    "a sale has no series": (
        ("delete from series_attributes where unique_id = 'F_1_CA_1'",),
        INGEST,
    ),
    "a table is half published": (("delete from forecasts where h = 3",), ("forecast",)),
    "a table of levels is half published": (
        ("delete from forecast_levels where h = 3",),
        ("forecast",),
    ),
    "forecasts without levels": (("delete from forecast_levels",), ("forecast",)),
    "forecasts without their run": (
        ("delete from runs where door = 'inference'",),
        ("forecast", "weekly flow"),
    ),
    "forecasts of two makings": (
        ("update forecasts set created_at = created_at + interval 1 hour where h = 3",),
        ("forecast",),
    ),
    "more than one champion": (("update models set stage = 'champion'",), ("rollback",)),
    "no champion after there was one": (("update models set stage = 'retired'",), ("rollback",)),
    "the champion is not the one decided last": (
        (
            "update models set stage = 'retired' where stage = 'champion'",
            "update models set stage = 'champion' "
            "where model_id = (select replaced from decisions order by decided_at desc limit 1)",
        ),
        ("rollback",),
    ),
    "a look without its decision": (("delete from decisions where kind = 'retrain'",), ("look",)),
    "a decision without its look": (("delete from runs where door = 'monitor'",), ("look",)),
    "a cause has two open alerts": (
        (
            "insert into alerts by name select * replace (alert_id + 100 as alert_id) "
            "from alerts where state = 'open' limit 1",
        ),
        ("look",),
    ),
    "orders of two makings": (
        (
            "update orders set created_at = created_at + interval 1 hour "
            "where unique_id = (select min(unique_id) from orders)",
        ),
        ("orders",),
    ),
    "an order without its spans": (("delete from demand_spans",), ("orders",)),
}
FAULTS |= {
    f"a statement too many: {seen}": Fault(_spoiling(*statements), seen, steps)
    for seen, (statements, steps) in SPOILING.items()
}
