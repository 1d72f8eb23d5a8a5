"""What a question makes: the table of today, or another table that must not stand for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from contract.question import NEWEST, Question

TODAY = date(2024, 5, 5)
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    "question", [NEWEST, Question(origin=TODAY), Question(horizon=28), Question(horizon=40)]
)
def test_all_series_from_the_newest_day_are_the_table_of_today(question):
    assert question.status(28, TODAY) == "done"


@pytest.mark.parametrize(
    "question",
    [
        Question(origin=TODAY - WEEK),
        Question(origin=TODAY + WEEK),
        Question(horizon=27),
        Question(series="*"),
        Question(as_of=datetime(2024, 5, 6)),
        Question(origin=TODAY, as_of=datetime(2024, 5, 6)),
    ],
)
def test_a_part_of_it_or_a_table_from_another_day_does_not_replace_it(question):
    assert question.status(28, TODAY) == "answer"


def test_without_any_sale_the_last_table_repeated_is_the_table_of_today():
    assert NEWEST.status(28, None) == "done"
