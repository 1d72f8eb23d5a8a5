"""A file with the days ahead: what of it becomes which fact, and what it may lack."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams
from contract.frames import COVARIATES, PRICES
from contract.received import Received
from sources.finding import files_of
from sources.reading import read_file

MAPPING = {
    "plans": "test*",
    "columns": {"unique_id": "shop", "ds": "day", "y": "sold", "is_open": "open", "promo": "deal"},
    "hierarchy": {"store_id": "shop"},
    "known_future": {"school": "school"},
    "past_only": {"visitors": "visitors"},
}
AHEAD = """id,shop,day,open,deal,school
1,A,2024-01-08,0,0,1
2,A,2024-01-09,1,1,0
3,B,2024-01-08,,1,0
"""


@pytest.fixture
def read(tmp_path: Path, source_of):
    """Reads CSV text as `test.csv`; further arguments are lines of source.files over MAPPING."""

    def from_text(text: str, **files: object) -> dict[str, Received]:
        path = tmp_path / "test.csv"
        path.write_text(text, encoding="utf-8")
        return {
            fact.fact: fact
            for fact in read_file(path, source_of("files", tmp_path, **{**MAPPING, **files}))
        }

    return from_text


def test_a_plan_states_promotions_openings_and_known_future_columns_and_no_sales(read):
    facts = read(AHEAD)
    assert set(facts) == {"covariates", "prices"}
    assert PRICES.check_key(facts["prices"].rows).select(
        "unique_id", "from_ds", "to_ds", "promo"
    ).rows() == [
        ("A", date(2024, 1, 8), date(2024, 1, 8), 0.0),
        ("A", date(2024, 1, 9), date(2024, 1, 9), 1.0),
        ("B", date(2024, 1, 8), date(2024, 1, 8), 1.0),
    ]
    values = COVARIATES.check_key(facts["covariates"].rows).sort("name", "unique_id", "ds")
    assert values.filter(name="is_open").select("unique_id", "value").rows() == [
        ("A", 0.0),
        ("A", 1.0),
    ]
    assert values.filter(name="school")["value"].to_list() == [1.0, 0.0, 0.0]
    assert all(
        fact.rows_in == fact.rows["lines"].sum() + fact.refused.height for fact in facts.values()
    )


def test_a_line_that_cannot_be_read_is_refused_once(read):
    facts = read(AHEAD + "4,B,someday,1,0,0\n5,B,2024-01-10,perhaps,0,0\n")
    refused = facts["covariates"].refused.select("row_number", "reason").rows()
    assert refused == [(4, "unreadable_date"), (5, "unreadable_flag")]
    assert facts["prices"].refused.is_empty()


def test_a_plan_without_a_mapped_column_names_it(read):
    with pytest.raises(BadInput, match=r"no column \['deal'\].*source\.files\.plans"):
        read("shop,day,open,school\nA,2024-01-08,1,0\n")


def test_a_pattern_of_plans_with_nothing_to_plan_is_a_wrong_param(read):
    bare = {"unique_id": "shop", "ds": "day", "y": "sold"}
    with pytest.raises(
        BadParams, match="no price, promo, is_open or known_future column is mapped"
    ):
        read(AHEAD, columns=bare, known_future={})


def test_plans_come_after_the_sales_they_follow(tmp_path: Path, source_of):
    for name in ("test.csv", "sales_b.csv", "days.csv"):
        (tmp_path / name).write_text("a\n")
    source = source_of("files", tmp_path, calendar="days*", plans="test*")
    assert [path.name for path in files_of(source)] == ["days.csv", "sales_b.csv", "test.csv"]


def test_a_day_restated_later_leaves_the_days_beside_it_alone(read):
    """Merged to one period, a correction of its first day would end it: the day after would have no
    promotion left.
    """
    week = "shop,day,open,deal,school\n" + "".join(f"A,2024-01-0{day},1,1,0\n" for day in (8, 9))
    prices = read(week)["prices"].rows
    again = read("shop,day,open,deal,school\nA,2024-01-08,1,0,0\n")["prices"].rows
    both = pl.concat([prices, again]).unique(PRICES.key, keep="last").sort("from_ds")
    assert both.select("to_ds", "promo").rows() == [
        (date(2024, 1, 8), 0.0),
        (date(2024, 1, 9), 1.0),
    ]
