"""Invoice lines of a known day: a few of them do not replace the day, all of them do."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from contract.frames import REFUSED, SALES
from contract.params import IngestParams
from contract.received import Received
from expectations.judge import judge
from expectations.suite import PAST, Context
from expectations.suites import SUITES

DAY, NEXT = date(2024, 2, 28), date(2024, 2, 29)
STORES = {"a": "S1", "b": "S1", "c": "S2", "d": "S2", "e": "S2", "new": "S1"}
KNOWN = ("a", "b", "c", "d", "e")  # of DAY


def refused(
    ingest: IngestParams, stated: dict[str, date], great: bool = False, is_by_store: bool = False
) -> list[str]:
    """The series refused, of a batch that states these series of a day each."""
    again = [name for name, ds in stated.items() if ds == DAY and name in KNOWN]
    past = pl.DataFrame(
        [(DAY, STORES[k], 1, 1, 5.0) for k in KNOWN if k not in again],
        {"ds": pl.Date, "store_id": pl.String, **PAST},
        orient="row",
    )
    context = Context(
        ingest.model_copy(update={"whole_days": not is_by_store, "max_refused_share": 1.0}),
        date(2024, 3, 1),
        past=past,
        stated_before=pl.DataFrame(
            [(name, DAY) for name in again], {"unique_id": pl.String, "ds": pl.Date}, orient="row"
        ),
        series=pl.DataFrame(list(STORES.items()), ["unique_id", "store_id"], orient="row"),
        levels=(("store_id",),),
    )
    rows = SALES.conform(
        pl.DataFrame(
            [(k, ds, 2.0, None) for k, ds in stated.items()],
            ["unique_id", "ds", "y", "known_at"],
            orient="row",
        )
    )
    rows = rows.with_columns(
        row_number=pl.int_range(1, len(stated) + 1, dtype=pl.Int64, eager=True),
        lines=pl.lit(1, pl.Int64),
    )
    judgement = judge(
        Received("sales", rows, REFUSED.empty(), len(stated)), SUITES["sales"], context, great
    )
    assert set(judgement.refused["reason"]) <= {"lines_of_a_known_day"}
    return rows.filter(pl.col("row_number").is_in(judgement.refused["row_number"].implode()))[
        "unique_id"
    ].to_list()


@pytest.mark.parametrize("great", [False, True])
def test_late_lines_alone_are_refused_and_what_stands_beside_them_is_not(
    ingest: IngestParams, great: bool
) -> None:
    assert refused(ingest, {"a": DAY, "b": NEXT, "c": NEXT, "new": DAY}, great) == ["a"]


def test_all_lines_of_a_day_replace_it_also_where_one_series_has_none_any_more(
    ingest: IngestParams,
) -> None:
    assert refused(ingest, dict.fromkeys(KNOWN, DAY)) == []
    assert refused(ingest, dict.fromkeys(KNOWN[:4], DAY)) == []


def test_where_stores_send_files_of_their_own_each_is_judged_by_its_own_lines(
    ingest: IngestParams,
) -> None:
    """Two of five known rows are few of the day and all of the store."""
    assert refused(ingest, {"a": DAY, "b": DAY}, is_by_store=True) == []
    assert refused(ingest, {"a": DAY}, is_by_store=True) == ["a"]
    assert refused(ingest, {"a": DAY, "b": DAY}) == ["a", "b"]
