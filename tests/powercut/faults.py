"""Faults planted on purpose: what the harness must find, or that it finds no other means little.

Each changes modules of the process it is called in, so call it in a child.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def statements_alone() -> None:
    """Each statement of a change is its own transaction."""
    import storage.journal

    @contextmanager
    def none(con: Any) -> Iterator[None]:
        yield

    storage.journal.transaction = none


def archived_first() -> None:
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


def pages_in_place() -> None:
    """A validation page is written where it is read, in two goes with a slow disk between them."""
    import expectations.pages

    def halves(path: Path, text: str) -> None:
        path.write_text(text[: len(text) // 2], encoding="utf-8")
        time.sleep(0.05)
        path.write_text(text, encoding="utf-8")

    expectations.pages.write_whole = halves


FAULTS: dict[str, Callable[[], None]] = {
    "each statement its own transaction": statements_alone,
    "archived before the commit": archived_first,
    "pages written in place": pages_in_place,
}
