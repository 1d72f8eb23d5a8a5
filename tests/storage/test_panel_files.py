"""The frozen panel: same rows, same bytes, whatever the order in which they came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from errno import ENOSPC
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, NotEnoughHistory, SourceMissing
from contract.frames import PRICES
from contract.panel import UNPLACED, Panel
from monitoring.freshness import last_days
from storage.batches import Batch, Delivery, write_delivery
from storage.panel import last_days_of_feeds, read_panel, read_tail
from storage.panel_files import freeze, freeze_ranges, read_card, read_frozen, read_frozen_parts
from storage.store import open_store

DAYS = [date(2024, 12, 30) + timedelta(days=k) for k in range(4)]  # over the end of a year


def day_file(day: date, known: datetime, y: float) -> Batch:
    rows = pl.DataFrame(
        {
            "unique_id": ["b", "a"],
            "ds": day,
            "y": [y, y + 1],
            "known_at": known,
            "is_open": None,
            "stockout_share": None,
        }
    ).with_columns(
        pl.col("is_open").cast(pl.Boolean),
        pl.col("stockout_share").cast(pl.Float64),
        lines=pl.lit(1),
    )
    series = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})
    return Batch("sales", 2, rows, pl.DataFrame(), "file", series)


FILES = [day_file(day, datetime(2025, 1, 5), 3.0) for day in DAYS] + [
    day_file(DAYS[1], datetime(2025, 1, 9), 7.0)
]


def frozen(folder: Path, order: list[int]) -> Path:
    with open_store(folder / "store.duckdb") as con:
        for number in order:
            write_delivery(
                con,
                Delivery("s", "n", str(number), datetime(2025, 2, number + 1)),
                [FILES[number]],
                {},
            )
        freeze(read_panel(con), folder / "panel")
    return folder / "panel"


def test_the_order_and_the_day_of_ingestion_leave_no_trace(tmp_path: Path) -> None:
    one, other = frozen(tmp_path / "1", [0, 1, 2, 3, 4]), frozen(tmp_path / "2", [4, 2, 0, 3, 1])
    for path in sorted(one.iterdir()):
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


def test_a_frozen_panel_is_read_back_as_it_was(tmp_path: Path) -> None:
    folder = frozen(tmp_path, [0, 1, 2, 3, 4])
    with open_store(tmp_path / "store.duckdb") as con:
        panel = read_panel(con)
    again = read_frozen(folder)
    assert again.sales.equals(panel.sales)
    assert again.series.rows() == [("a", "S1"), ("b", "S2")]
    assert again.hash == read_card(folder)["hash"]
    assert "batch_id" not in again.sales.columns


def test_ranges_that_end_early_leave_the_panel_that_lies_there(tmp_path: Path) -> None:
    """A disk that fills up while they are read and laid aside."""
    folder = frozen(tmp_path, [0, 1, 2, 3, 4])
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def ranges() -> Iterator[Panel]:
        yield read_frozen(folder, pl.Series(["a"]))
        raise OSError(ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        freeze_ranges(ranges(), folder, tmp_path / "scratch")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_some_series_of_a_frozen_panel_are_those_of_the_whole(tmp_path: Path) -> None:
    folder = frozen(tmp_path, [0, 1, 2, 3, 4])
    some, whole = (
        read_frozen(folder, pl.Series(["b"])),
        read_frozen(folder).only(pl.Series(["b"])),
    )
    assert some.sales.equals(whole.sales)
    assert some.series.equals(whole.series)
    assert some.superseded["sales"].equals(whole.superseded["sales"])
    assert 0 < some.superseded["sales"].height < read_frozen(folder).superseded["sales"].height
    assert some.calendar.equals(whole.calendar)


def test_parts_of_a_frozen_panel_hold_what_was_planned_earlier(tmp_path: Path) -> None:
    """What had been announced by a day is read from it (features.reach.plans_at)."""
    with open_store(tmp_path / "store.duckdb") as con:
        write_delivery(con, Delivery("s", "n", "0", datetime(2025, 2, 1)), [FILES[0]], {})
        panel = read_panel(con)
    prices = pl.DataFrame(
        {
            "unique_id": ["a", "b"],
            "from_ds": DAYS[0],
            "to_ds": DAYS[1],
            "known_at": datetime(2025, 1, 1),
            "price": [1.0, 2.0],
            "promo": None,
        }
    )
    earlier = prices.with_columns(superseded_at=pl.lit(datetime(2025, 1, 2)))
    freeze(replace(panel, prices=PRICES.conform(prices), superseded={"prices": earlier}), tmp_path)
    parts = pl.DataFrame({"unique_id": ["a", "b"], "part": [0, 1]})
    for name, part in zip("ab", read_frozen_parts(tmp_path, parts, tmp_path / "rows"), strict=True):
        assert part.superseded["prices"].rows_by_key("unique_id").keys() == {name}
        assert part.superseded["prices"]["superseded_at"].to_list() == [datetime(2025, 1, 2)]


def test_a_panel_read_as_of_t_equals_the_frozen_one_read_as_of_t(tmp_path: Path) -> None:
    """The store's SQL and the panel's Polars undo the same correction."""
    panel = read_frozen(frozen(tmp_path, [0, 1, 2, 3, 4]))
    for moment in (
        datetime(2025, 1, 4),
        datetime(2025, 1, 5),
        datetime(2025, 1, 8),
        datetime(2025, 1, 9),
    ):
        with open_store(tmp_path / "store.duckdb") as con:
            stored = read_panel(con, moment)
        assert stored.sales.equals(panel.as_known_at(moment).sales)
        assert stored.series.equals(panel.as_known_at(moment).series)


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_a_tail_read_from_the_store_is_the_panel_cut_there(tmp_path: Path, days: int) -> None:
    """The store's SQL and the panel's Polars say the same of the days before."""
    since = DAYS[0] + timedelta(days=days)
    frozen(tmp_path, [0, 1, 2, 3, 4])
    with open_store(tmp_path / "store.duckdb") as con:
        whole, tail = read_panel(con).since(since, 0.5), read_tail(con, since, 0.5)
    for name in ("sales", "series", "calendar", "prices", "covariates", "before"):
        assert getattr(tail, name).equals(getattr(whole, name)), name
    assert tail.hash == whole.hash


def test_the_last_day_of_each_feed_is_of_all_of_history(tmp_path: Path) -> None:
    """The store's SQL says what the watcher's own function says of a whole panel."""
    nowhere = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", None]})
    both = [replace(file, series=nowhere) for file in FILES[:4]]
    of_one = pl.col("unique_id") == "a"
    one = [replace(file, rows_in=1, accepted=file.accepted.filter(of_one)) for file in both[2:]]
    with open_store(tmp_path / "store.duckdb") as con:
        for number, file in enumerate([*both[:2], *one]):
            delivery = Delivery("s", "n", str(number), datetime(2025, 2, number + 1))
            write_delivery(con, delivery, [file], {})
        feeds = last_days_of_feeds(con)
        assert feeds.equals(last_days(read_panel(con)))
    assert feeds.rows() == [("S1", DAYS[3]), (UNPLACED, DAYS[1])]


def test_a_restatement_changes_no_earlier_reading(tmp_path: Path) -> None:
    folder = frozen(tmp_path, [0, 1, 2, 3])
    before = read_frozen(folder).as_known_at(datetime(2025, 1, 8))
    with open_store(tmp_path / "store.duckdb") as con:
        write_delivery(con, Delivery("s", "n", "4", datetime(2025, 2, 9)), [FILES[4]], {})
        after = read_panel(con)
    assert after.as_known_at(datetime(2025, 1, 8)).sales.equals(before.sales)
    assert not after.sales.equals(before.sales)


def test_a_missing_or_changed_file_of_the_panel_is_refused(tmp_path: Path) -> None:
    folder = frozen(tmp_path, [0])
    (folder / "sales.parquet").write_bytes(b"something else")
    with pytest.raises(BadInput, match="was changed"):
        read_frozen(folder)
    (folder / "sales.parquet").unlink()
    with pytest.raises(SourceMissing, match="fill --freeze"):
        read_frozen(folder)
    with pytest.raises(SourceMissing, match="fill --freeze"):
        read_frozen(tmp_path / "nowhere")


def test_a_store_without_sales_freezes_no_panel(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.duckdb") as con, pytest.raises(NotEnoughHistory):
        freeze(read_panel(con), tmp_path / "panel")
    assert not (tmp_path / "panel" / "panel.json").exists()
