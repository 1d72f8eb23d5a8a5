"""Stock, open orders and supply: every refusal has its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.frames import REFUSED, SERIES, STORED_FACTS
from contract.params import IngestParams, Params
from contract.received import Received
from expectations.judge import Judgement, judge
from expectations.suite import Context
from expectations.suites import SUITES, sentences

DAY, NOW = date(2024, 2, 29), date(2024, 3, 1)
STOCK = {"unique_id": "a", "ds": DAY, "on_hand": 3.0}
ORDER = {"unique_id": "a", "ds": DAY, "due_ds": NOW, "on_order": 3.0}
SUPPLY = {"scope": '{"dept_id":"D"}', "lead_days": "2"}
ROWS = {"stock": STOCK, "open_orders": ORDER, "supply": SUPPLY}


@pytest.fixture(scope="module")
def context(params: Params) -> Context:
    """Two known series, of one department; a whole file may be refused row by row."""
    series = SERIES.conform(pl.DataFrame({"unique_id": ["a", "b"], "dept_id": ["D", "D"]}))
    ingest = params.ingest.model_copy(update={"max_refused_share": 1.0})
    return Context(ingest, NOW, known_series=series["unique_id"], series=series)


def judged(fact: str, rows: list[dict], context: Context, great: bool = False) -> Judgement:
    frame = pl.DataFrame(rows, schema=STORED_FACTS[fact].schema)
    frame = frame.with_row_index("row_number", offset=1).with_columns(
        pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    received = Received(fact, frame, REFUSED.empty(), len(rows))
    judgement = judge(received, SUITES[fact], context, by_great_expectations=great)
    assert judgement.accepted.height + judgement.refused.height == len(rows)
    return judgement


def reasons(judgement: Judgement) -> list[str]:
    return judgement.refused.sort("row_number")["reason"].to_list()


CASES = [
    ("stock", {"unique_id": None}, "series_missing"),
    ("stock", {"unique_id": "c"}, "unknown_series"),
    ("stock", {"ds": None}, "day_missing"),
    ("stock", {"ds": date(1924, 2, 29)}, "day_too_old"),
    ("stock", {"ds": date(2024, 3, 2)}, "day_in_future"),
    ("stock", {"known_at": datetime(2042, 3, 2)}, "learned_in_future"),
    ("stock", {"on_hand": None}, "stock_missing"),
    ("stock", {"on_hand": float("inf")}, "stock_not_finite"),
    ("open_orders", {"unique_id": "c"}, "unknown_series"),
    ("open_orders", {"due_ds": None}, "due_day_missing"),
    ("open_orders", {"due_ds": DAY - timedelta(days=1)}, "due_before_its_day"),
    ("open_orders", {"due_ds": date(2034, 3, 1)}, "due_day_absurd"),
    ("open_orders", {"on_order": None}, "order_units_missing"),
    ("open_orders", {"on_order": -1.0}, "order_units_negative"),
    ("open_orders", {"on_order": float("inf")}, "order_units_not_finite"),
    ("supply", {"lead_days": None}, "supply_empty"),
    ("supply", {"lead_days": "-1"}, "lead_negative"),
    ("supply", {"lead_days": "5000"}, "lead_absurd"),
    ("supply", {"lead_days": "2:0.8 3:0.1"}, "lead_shares_wrong"),
    ("supply", {"lead_days": "2:-0.5 3:1.5"}, "lead_shares_wrong"),
    ("supply", {"review_days": 0.0}, "review_absurd"),
    ("supply", {"review_days": 3.5}, "review_absurd"),
    ("supply", {"first_order": date(1924, 1, 1)}, "day_too_old"),
    ("supply", {"shelf_life_days": 0.0}, "life_absurd"),
    ("supply", {"pack_size": 0.0}, "pack_absurd"),
    ("supply", {"pack_size": -6.0}, "pack_absurd"),
    ("supply", {"min_order": -1.0}, "order_minimum_absurd"),
    ("supply", {"unit_cost": -1.0}, "unit_cost_absurd"),
    ("supply", {"margin": -0.1}, "margin_absurd"),
    ("supply", {"leftover_cost": float("inf")}, "leftover_cost_absurd"),
    ("supply", {"target_service": 0.999}, "service_outside"),
    ("supply", {"target_service": 95.0}, "service_outside"),
]


@pytest.mark.parametrize(("fact", "changed", "reason"), CASES)
def test_a_row_is_refused_for_its_reason(
    context: Context, fact: str, changed: dict, reason: str
) -> None:
    key = "scope" if fact == "supply" else "unique_id"
    other = ROWS[fact] | ({key: "{}"} if fact == "supply" else {key: "b"})
    judgement = judged(fact, [other, ROWS[fact] | changed], context)
    assert reasons(judgement) == [reason]
    assert judgement.accepted[key].to_list() == [other[key]]
    assert reason in sentences(context.ingest)


def test_great_expectations_gives_the_same_reasons(context: Context) -> None:
    for fact, row in ROWS.items():
        rows = [row | changed for name, changed, _ in CASES if name == fact]
        great, fast = (judged(fact, rows, context, great=great) for great in (True, False))
        assert great.refused.equals(fast.refused)
        assert great.results == fast.results


def test_what_stands_for_shops_as_they_are_is_taken(context: Context) -> None:
    below_nothing = STOCK | {"on_hand": -4.0}
    assert reasons(judged("stock", [below_nothing], context)) == []
    none_open = ORDER | {"due_ds": DAY, "on_order": 0.0}
    assert reasons(judged("open_orders", [none_open], context)) == []
    rounded = SUPPLY | {"lead_days": "1:0.333 2:0.333 3:0.333", "target_service": 0.995}
    assert reasons(judged("supply", [rounded], context)) == []


def test_of_two_numbers_for_one_key_none_is_taken(context: Context) -> None:
    for fact, name in (("stock", "on_hand"), ("open_orders", "on_order"), ("supply", "pack_size")):
        rows = [ROWS[fact], ROWS[fact] | {name: 9.0}]
        assert reasons(judged(fact, rows, context)) == ["contradicting_rows"] * 2
        assert reasons(judged(fact, [ROWS[fact]] * 2, context)) == ["repeated_row"]


def test_series_that_never_sold_are_no_fault_of_a_file_unless_all_are(
    ingest_strict: IngestParams, context: Context
) -> None:
    """A warehouse lists more than one shop sells: four of five rows are left out, the fifth is
    taken.
    """
    strict = Context(ingest_strict, NOW, known_series=context.known_series)
    strangers = [STOCK | {"unique_id": f"raw{k}"} for k in range(4)]
    judgement = judged("stock", [STOCK, *strangers], strict)
    assert judgement.reason is None
    assert reasons(judgement) == ["unknown_series"] * 4
    whole = judged("stock", strangers, strict)
    assert whole.reason.startswith("series_all_unknown")


@pytest.fixture
def ingest_strict(params: Params) -> IngestParams:
    """As shipped: a fifth of a file's rows may be refused."""
    return params.ingest


def test_a_row_of_supply_that_fits_no_series_is_noted(context: Context) -> None:
    rows = [SUPPLY, SUPPLY | {"scope": '{"dept_id":"d"}'}, SUPPLY | {"scope": '{"supplier":"X"}'}]
    judgement = judged("supply", rows, context)
    assert judgement.accepted.height == 3
    (note,) = judgement.notes
    assert note.startswith("scope_of_nobody: 2 rows (is_of_nobody 1)")


def of_stores(on_hand: float, factor: float = 1.0, items: int = 12) -> list[dict]:
    """Rows of stock of two stores, each with so many items; those of the second times a factor."""
    return [
        STOCK | {"unique_id": f"{store}{item}", "on_hand": on_hand * times}
        for store, times in (("N", 1.0), ("S", factor))
        for item in range(items)
    ]


def beside(known: list[dict], context: Context) -> Context:
    """The context of a store that knows this stock, and half of it on other days."""
    before = pl.DataFrame(known, schema=STORED_FACTS["stock"].schema)
    before = before.select("unique_id", least=pl.col("on_hand") / 2, most="on_hand")
    series = before.select("unique_id", store_id=pl.col("unique_id").str.head(1))
    return replace(
        context,
        known_series=before["unique_id"],
        series=SERIES.conform(series),
        known_stock=before,
    )


@pytest.mark.parametrize(
    ("units", "is_refused"),
    [(4.0, False), (30.0, False), (36.0, True), (0.3, False), (0.2, True), (0.0, False)],
)
def test_stock_far_beyond_all_that_was_known_is_of_another_unit(context, units, is_refused):
    """Known were 2 to 4; beyond them by more than 8 times, either way. Nothing in hand is possible
    in any unit.
    """
    judgement = judged("stock", of_stores(units), beside(of_stores(4.0), context))
    assert set(reasons(judgement)) == ({"stock_of_another_size"} if is_refused else set())


def test_of_one_store_in_another_unit_the_others_are_taken(context):
    judgement = judged("stock", of_stores(40.0, 100.0), beside(of_stores(40.0), context))
    assert judgement.refused.height == 12
    assert judgement.accepted["unique_id"].str.head(1).unique().to_list() == ["N"]


def test_what_is_unusual_is_noted_where_a_person_says_so_and_a_few_series_prove_nothing(context):
    known = beside(of_stores(4.0), context)
    noting = known.ingest.model_copy(update={"refuse_unusual": False})
    judgement = judged("stock", of_stores(400.0), replace(known, ingest=noting))
    assert judgement.refused.is_empty()
    assert any(note.startswith("stock_of_another_size") for note in judgement.notes)
    few = of_stores(400.0, items=4)
    assert judged("stock", few, beside(of_stores(4.0, items=4), context)).refused.is_empty()
