"""The judge: nothing is lost, every refusal has its reason, and both ways of asking a rule give the
same result.
"""

from __future__ import annotations

import json
import socket
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.frames import FACTS, REFUSED, STORED_FACTS
from contract.params import IngestParams, Params
from contract.received import READ, Received
from expectations.judge import Judgement, judge, refuse_whole
from expectations.suite import Context
from expectations.suites import SUITES, sentences

DAY = date(2024, 2, 29)
NOW = date(2024, 3, 1)

# nasty values of each column; None is absent
STRINGS = [None, "", "a", "b", "=1+1", "<b>", "tab\there", "x" * 201]
DAYS = [None, DAY, DAY - timedelta(days=1), date(2024, 3, 2), date(1900, 1, 1)]
NUMBERS = [None, -1.0, 0.0, 1.0, 2.5, 1e9, float("nan"), float("inf"), float("-inf")]
MOMENTS = [None, datetime(2024, 3, 1), datetime(2024, 3, 9)]
VALUES = {"String": STRINGS, "Date": DAYS, "Float64": NUMBERS, "Boolean": [None, True, False]}


@pytest.fixture(scope="module")
def ingest(params: Params) -> IngestParams:
    return params.ingest.model_copy(update={"max_refused_share": 1.0})


def received(fact: str, rows: list[dict], refused: int = 0) -> Received:
    """Rows of a fact, absent columns null, and so many lines that could not be mapped."""
    frame = pl.DataFrame(rows, schema=STORED_FACTS[fact].schema)
    frame = frame.with_row_index("row_number", offset=1).with_columns(
        pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    lost = [
        {"row_number": 100 + k, "reason": "unreadable_date", "raw": "{}"} for k in range(refused)
    ]
    return Received(fact, frame, pl.DataFrame(lost, schema=REFUSED.schema), len(rows) + refused)


def sales(*units: float | None, ds: date | None = DAY, **more: object) -> list[dict]:
    return [{"unique_id": f"s{k}", "ds": ds, "y": y} | more for k, y in enumerate(units)]


def reasons(judgement: Judgement) -> list[str]:
    return judgement.refused.sort("row_number")["reason"].to_list()


def judged(
    fact: str, rows: list[dict], context: Context, refused: int = 0, great: bool = False
) -> Judgement:
    return judge(received(fact, rows, refused), SUITES[fact], context, by_great_expectations=great)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"unique_id": None}, "series_missing"),
        ({"unique_id": ""}, "series_name_absurd"),
        ({"unique_id": "two\nlines"}, "series_name_unseen"),
        ({"ds": None}, "day_missing"),
        ({"ds": date(1916, 5, 22)}, "day_too_old"),
        ({"ds": date(2024, 3, 2)}, "day_in_future"),
        ({"ds": DAY, "known_at": datetime(2024, 2, 28)}, "day_in_future"),
        ({"y": None}, "units_missing"),
        ({"y": float("nan")}, "units_missing"),
        ({"y": float("inf")}, "units_not_finite"),
        ({"y": -1.0}, "units_negative"),
        ({"y": 1e6}, "units_absurd"),
        ({"stockout_share": 1.5}, "stockout_share_outside"),
        ({"y": -1.0, "ds": None}, "day_missing"),  # the first rule of the suite gives the reason
    ],
)
def test_a_row_of_sales_is_refused_for_its_reason(
    ingest: IngestParams, row: dict, reason: str
) -> None:
    rows = [*sales(1.0, 2.0), {"unique_id": "bad", "ds": DAY, "y": 1.0} | row]
    judgement = judged("sales", rows, Context(ingest, NOW))
    assert reasons(judgement) == [reason]
    assert judgement.accepted["y"].to_list() == [1.0, 2.0]
    assert reason in sentences(ingest)


def test_of_equal_rows_one_stays_and_of_contradicting_rows_none(ingest: IngestParams) -> None:
    rows = sales(1.0, 2.0) + sales(1.0) + [{"unique_id": "s1", "ds": DAY, "y": 3.0}]
    judgement = judged("sales", rows, Context(ingest, NOW))
    assert reasons(judgement) == ["contradicting_rows", "repeated_row", "contradicting_rows"]
    assert judgement.accepted["unique_id"].to_list() == ["s0"]


def test_a_stranger_is_refused_only_where_the_assortment_is_closed(ingest: IngestParams) -> None:
    closed = ingest.model_copy(update={"allow_new_series": False})
    known = pl.Series(["s0"])
    assert reasons(judged("sales", sales(1.0, 1.0), Context(ingest, NOW, known))) == []
    assert reasons(judged("sales", sales(1.0, 1.0), Context(closed, NOW, known))) == [
        "unknown_series"
    ]
    assert reasons(judged("sales", sales(1.0, 1.0), Context(closed, NOW, known.clear()))) == []


def test_a_batch_with_too_many_refused_rows_is_refused_whole(ingest: IngestParams) -> None:
    """Two of five lines are bad, one for the source and one for a rule; a fifth is allowed."""
    strict = ingest.model_copy(update={"max_refused_share": 0.2})
    judgement = judged("sales", sales(1.0, 2.0, 3.0, -1.0), Context(strict, NOW), refused=1)
    assert judgement.accepted.is_empty()
    assert judgement.reason.startswith("too_many_refused: 2 of 5")
    assert reasons(judgement) == ["too_many_refused"] * 3 + ["units_negative", "unreadable_date"]


def test_refused_days_of_invoice_lines_are_counted_in_lines(ingest: IngestParams) -> None:
    """One of a thousand days, which a tenth of the lines say: a per mille counted in days."""
    batch = received("sales", sales(*[1.0] * 999, -1.0))
    lines = [1] * 999 + [111]
    batch = Received("sales", batch.rows.with_columns(lines=pl.Series(lines)), batch.refused, 1110)
    judgement = judge(batch, SUITES["sales"], Context(ingest, NOW), False)
    (note,) = [note for note in judgement.notes if note.startswith("rows_refused")]
    assert "111 of 1110 rows (10.0%) broke a rule: units_negative 1 (y -1.0)" in note


def test_a_missing_column_refuses_the_batch_whole(ingest: IngestParams) -> None:
    batch = received("sales", sales(1.0, 2.0))
    batch = Received("sales", batch.rows.drop("y"), batch.refused, 2)
    for great in (False, True):
        judgement = judge(batch, SUITES["sales"], Context(ingest, NOW), great)
        assert reasons(judgement) == ["columns_missing"] * 2
        assert judgement.reason.startswith("columns_missing")


def test_one_fact_of_a_file_takes_the_others_with_it(ingest: IngestParams) -> None:
    judgement = refuse_whole(
        judged("sales", sales(1.0, -1.0), Context(ingest, NOW)), SUITES["sales"], "the prices"
    )
    assert reasons(judgement) == ["file_refused", "units_negative"]
    assert judgement.reason == "the prices"


def test_sales_of_a_closed_day_are_noted(ingest: IngestParams) -> None:
    closed = pl.DataFrame({"region": ["CA"], "ds": [DAY], "is_closed": [True]})
    regions = pl.DataFrame({"unique_id": ["s0", "s1"], "region": ["CA", "TX"]})
    context = Context(
        ingest,
        NOW,
        calendar=FACTS["calendar"].conform(closed.with_columns(known_at=None)),
        regions=regions,
    )
    assert (
        judged("sales", sales(2.0, 2.0), context).notes[0].startswith("sold_while_closed: 1 rows")
    )
    assert (
        judged("sales", sales(2.0, is_open=False), Context(ingest, NOW))
        .notes[0]
        .startswith("sold_while_closed")
    )


def price(series: str, first: int, last: int, amount: float | None = 2.0) -> dict:
    return {
        "unique_id": series,
        "from_ds": date(2024, 2, first),
        "to_ds": date(2024, 2, last),
        "price": amount,
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (price("a", 8, 7), "period_reversed"),
        (price("a", 8, 9, -1.0), "price_negative"),
        (price("a", 8, 9, 200.0), "price_jump"),
        (price("a", 3, 9), "periods_overlap"),
        # reaches into the period from the 15th, which is known
        (price("a", 8, 15), "periods_overlap"),
        (price("a", 15, 16, None) | {"promo": -1.0}, "promo_outside"),
    ],
)
def test_a_price_is_refused_for_its_reason(ingest: IngestParams, row: dict, reason: str) -> None:
    known = received("prices", [price("a", 1, 3), price("a", 15, 16)]).rows
    judgement = judged("prices", [price("a", 4, 7), row], Context(ingest, NOW, prices=known))
    assert reasons(judgement) == [reason]
    assert judgement.accepted["from_ds"].to_list() == [date(2024, 2, 4)]


def test_a_known_period_may_be_restated(ingest: IngestParams) -> None:
    known = received("prices", [price("a", 1, 3), price("a", 4, 9)]).rows
    assert (
        reasons(judged("prices", [price("a", 4, 8, 2.5)], Context(ingest, NOW, prices=known))) == []
    )


def test_after_a_wrong_price_the_right_one_is_no_jump(ingest: IngestParams) -> None:
    rows = [price("a", 1, 1), price("a", 2, 2, 200.0), price("a", 3, 3)]
    assert judged("prices", rows, Context(ingest, NOW)).accepted["price"].to_list() == [2.0, 2.0]


@pytest.mark.parametrize(("amount", "code"), [(200.0, "price_jump"), (-1.0, "price_negative")])
def test_a_refused_price_leaves_its_promotion(
    ingest: IngestParams, amount: float, code: str
) -> None:
    rows = [price("a", 1, 1), price("a", 2, 2, amount) | {"promo": 1.0}, price("a", 3, 3)]
    judgement = judged("prices", rows, Context(ingest, NOW))
    assert reasons(judgement) == []
    assert judgement.accepted["price"].to_list() == [2.0, None, 2.0]
    assert judgement.accepted["promo"][1] == 1.0
    assert any(note.startswith(f"{code}: 1 rows") for note in judgement.notes)


@pytest.mark.parametrize(("amount", "code"), [(0.0, "price_free"), (0.1, "price_clearance")])
def test_free_goods_and_clearance_are_prices_with_a_note(
    ingest: IngestParams, amount: float, code: str
) -> None:
    known = received("prices", [price("a", 1, 1), price("a", 2, 2)]).rows
    judgement = judged("prices", [price("a", 3, 3, amount)], Context(ingest, NOW, prices=known))
    assert judgement.accepted["price"].to_list() == [amount]
    assert [note.split(":")[0] for note in judgement.notes] == [code]


def test_after_a_clearance_the_usual_price_is_no_jump(ingest: IngestParams) -> None:
    known = received("prices", [price("a", 1, 1), price("a", 2, 2), price("a", 3, 3, 0.1)]).rows
    judgement = judged("prices", [price("a", 4, 4)], Context(ingest, NOW, prices=known))
    assert judgement.accepted["price"].to_list() == [2.0]


def test_a_refused_restatement_still_hides_nothing(ingest: IngestParams) -> None:
    """Each of these once left two prices on one day, and the weekly gate refused the panel for
    good.
    """
    known = received("prices", [price("a", 1, 28)]).rows
    # no price lies below nothing, so 1 to 28 stands
    below = [price("a", 1, 15, -2.0), price("a", 16, 28, 3.0)]
    judgement = judged("prices", below, Context(ingest, NOW, prices=known))
    assert reasons(judgement) == ["price_negative", "periods_overlap"]
    known = received("prices", [price("a", 1, 15), price("a", 16, 28)]).rows
    chain = [
        price("a", 1, 20),
        price("a", 10, 12),
        price("a", 16, 28, -1.0),
    ]  # the first falls with the last, the second then
    judgement = judged("prices", chain, Context(ingest, NOW, prices=known))
    assert reasons(judgement) == ["periods_overlap", "periods_overlap", "price_negative"]


@pytest.mark.parametrize("great", [False, True])
@pytest.mark.parametrize("fact", list(FACTS))
def test_nobody_has_learned_what_he_says_next_week(
    ingest: IngestParams, fact: str, great: bool
) -> None:
    """A row of the year 2042 would beat every correction until then; one day of grace is for time
    zones.
    """
    usual = {"String": "a", "Date": DAY, "Float64": 1.0, "Boolean": True}
    row = {name: usual.get(str(kind)) for name, kind in FACTS[fact].schema.items()}
    name = next(iter(row))
    rows = [row | {name: f"r{k}", "known_at": datetime(2024, 3, 1 + k)} for k in range(3)]
    judgement = judged(fact, rows, Context(ingest, NOW), great=great)
    assert reasons(judgement) == ["learned_in_future"]
    assert judgement.refused["row_number"].to_list() == [3]


def messy(fact: str) -> st.SearchStrategy:
    """Any rows of a fact, mostly of nasty values."""
    columns = STORED_FACTS[fact].schema
    fields = {
        name: st.sampled_from(MOMENTS if name == "known_at" else VALUES[str(kind)])
        for name, kind in columns.items()
    }
    return st.lists(st.fixed_dictionaries(fields), max_size=12)


@pytest.mark.parametrize("fact", list(STORED_FACTS))
@settings(max_examples=40)
@given(data=st.data())
def test_accepted_and_refused_are_what_was_received(
    ingest: IngestParams, fact: str, data: st.DataObject
) -> None:
    """Whatever comes, at whatever share refused: no row is lost, none doubled, accepted keys are
    unique.
    """
    rows = data.draw(messy(fact))
    share = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    judgement = judged(
        fact, rows, Context(ingest.model_copy(update={"max_refused_share": share}), NOW), refused=2
    )
    assert judgement.accepted["lines"].sum() + judgement.refused["lines"].sum() == len(rows) + 2
    together = pl.concat([judgement.accepted["row_number"], judgement.refused["row_number"]])
    assert together.sort().to_list() == [*range(1, len(rows) + 1), 100, 101]
    STORED_FACTS[fact].check_key(judgement.accepted)


def test_great_expectations_and_polars_refuse_the_same_rows(ingest: IngestParams) -> None:
    """The oracle: every combination of nasty values, both ways, the same refusals for the same
    reasons.
    """
    for fact, contract in FACTS.items():
        rows: list[dict] = []
        usual = {"String": "a", "Date": DAY, "Float64": 1.0, "Boolean": True}
        for name, kind in contract.schema.items():
            for value in MOMENTS if name == "known_at" else VALUES[str(kind)]:
                typical = {n: usual.get(str(k)) for n, k in contract.schema.items()}
                rows.append(
                    typical
                    | {"unique_id" if "unique_id" in typical else "region": f"r{len(rows)}"}
                    | {name: value}
                )
        rows += rows[:7]
        context = Context(ingest, NOW)
        great, fast = (judged(fact, rows, context, great=great) for great in (True, False))
        assert (great.judged_by, fast.judged_by) == ("great_expectations", "polars")
        assert great.refused.equals(fast.refused)
        assert great.results == fast.results
        assert great.refused.height > 5


def test_great_expectations_opens_no_socket_and_says_nothing(
    ingest: IngestParams, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert reasons(judged("sales", sales(1.0, -1.0), Context(ingest, NOW), great=True)) == [
        "units_negative"
    ]
    assert capfd.readouterr() == ("", "")


def test_a_huge_field_is_cut_in_quarantine(ingest: IngestParams) -> None:
    judgement = judged(
        "sales", [{"unique_id": "x" * 10**6, "ds": DAY, "y": 1.0}], Context(ingest, NOW)
    )
    assert len(judgement.refused["raw"][0]) < 2000


KNOWN_IDS = pl.Series("unique_id", ["i005", "N_7", "N_8"])
SOLD_LATELY = pl.DataFrame(
    {"unique_id": ["i005", "N_7", "N_8"], "ds": [DAY - timedelta(days=1)] * 3, "y": [3.0] * 3}
)


@pytest.mark.parametrize("great", [False, True])
@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("I005", "i005"),
        ("i 005", "i005"),
        ("i\u200b005", "i005"),
        ("\uff49005", "i005"),
        ("N_07", "N_7"),
        ("\u0456005", "i005"),  # a Cyrillic letter
        ("\u039d_7", "N_7"),  # a Greek one
    ],
)
def test_a_known_series_under_another_spelling_is_unknown_that_day_and_not_another_series(
    ingest, name, means, great
):
    rows = [{"unique_id": one, "ds": DAY, "y": 2.0} for one in ("N_8", name)]
    context = Context(ingest, NOW, known_series=KNOWN_IDS, recent_sales=SOLD_LATELY)
    judgement = judged("sales", rows, context, great=great)
    assert reasons(judgement) == ["spelt_otherwise"]
    raw = json.loads(judgement.refused["raw"].item())
    assert raw["unique_id"] == name
    assert raw[READ]["unique_id"] == means and raw[READ]["ds"] == str(DAY)


@pytest.mark.parametrize(
    "rows",
    [
        [("i005", DAY), ("I005", DAY)],  # both on one day: two things
        [("I006", DAY)],
    ],
)
def test_what_stands_beside_it_or_is_like_nobody_is_a_series_of_its_own(ingest, rows):
    frame = [{"unique_id": name, "ds": ds, "y": 2.0} for name, ds in rows]
    context = Context(ingest, NOW, known_series=KNOWN_IDS, recent_sales=SOLD_LATELY)
    assert reasons(judged("sales", frame, context)) == []


def test_a_name_like_one_that_did_not_sell_lately_or_like_two_is_new(ingest):
    rows = [{"unique_id": "I005", "ds": DAY, "y": 2.0}]
    resting = Context(ingest, NOW, known_series=KNOWN_IDS, recent_sales=SOLD_LATELY.tail(2))
    assert reasons(judged("sales", rows, resting)) == []
    both = pl.Series("unique_id", ["i005", "i05"])
    sold = SOLD_LATELY.with_columns(unique_id=pl.Series(["i005", "i05", "i05"]))
    two = Context(ingest, NOW, known_series=both, recent_sales=sold)
    assert reasons(judged("sales", [{"unique_id": "I0005", "ds": DAY, "y": 2.0}], two)) == []


def test_taken_as_a_new_series_where_the_operator_says_so(ingest):
    loose = ingest.model_copy(update={"refuse_unusual": False})
    context = Context(loose, NOW, known_series=KNOWN_IDS, recent_sales=SOLD_LATELY)
    judgement = judged("sales", [{"unique_id": "I005", "ds": DAY, "y": 2.0}], context)
    assert reasons(judgement) == []
    assert any(note.startswith("spelt_otherwise") for note in judgement.notes)
