"""What is news to an address, when it may be sent, and how it reads."""

from __future__ import annotations

from datetime import datetime

import pytest

from contract.params import NotifyParams
from monitoring.messages import message_of, severities_due
from reports.message import MOST_LINES, body_of, title_of

SINCE = datetime(2024, 5, 1, 6)
BOTH = ("error", "warning")


def alert(cause: str, severity: str = "warning") -> dict:
    return {
        "cause": cause,
        "severity": severity,
        "raised_at": SINCE,
        "what": f"{cause} is off by 12%",
        "advice": "Look.",
    }


def news(alerts, held=(), muted=(), due=BOTH, errors_only=False):
    held = {cause: {"severity": severity, "since": "2024-05-01"} for cause, severity in held}
    return message_of(list(alerts), held, list(muted), due, errors_only=errors_only)


def test_what_an_address_was_sent_is_no_news():
    first = news([alert("bias")])
    assert [row["cause"] for row in first.new] == ["bias"]
    held = first.held_after({})
    assert not message_of([alert("bias")], held, [], BOTH, errors_only=False).is_news


def test_a_warning_that_becomes_an_error_is_worse_and_the_other_way_round_is_not_said():
    worse = news([alert("bias", "error")], held=[("bias", "warning")])
    assert [row["cause"] for row in worse.worse] == ["bias"] and not worse.new
    assert worse.held_after({"bias": {}})["bias"]["severity"] == "error"
    assert not news([alert("bias")], held=[("bias", "error")]).is_news


def test_what_is_open_no_more_is_over_and_with_nothing_left_all_is_clear():
    some = news([alert("drift")], held=[("bias", "error"), ("drift", "warning")])
    assert list(some.over) == ["bias"] and not some.is_all_clear
    assert some.held_after({"bias": {}, "drift": {}}).keys() == {"drift"}
    assert news([], held=[("bias", "error")]).is_all_clear
    assert not news([]).is_all_clear


def test_an_address_for_errors_hears_of_no_warning_and_of_an_error_that_is_none_any_more():
    mixed = news([alert("bias"), alert("freshness", "error")], errors_only=True)
    assert [row["cause"] for row in mixed.new] == ["freshness"]
    assert news([alert("bias")], held=[("bias", "error")], errors_only=True).is_all_clear


def test_what_may_not_be_sent_now_is_sent_later():
    later = news([alert("bias"), alert("freshness", "error")], due=["error"])
    assert [row["cause"] for row in later.new] == ["freshness"]
    assert not news([], held=[("bias", "warning")], due=["error"]).is_news
    assert news([], held=[("bias", "warning")]).is_news


def test_a_muted_cause_is_not_sent_and_not_said_to_be_over():
    quiet = news([alert("bias:store_id:CA_1")], muted=["bias"])
    assert not quiet.is_news
    assert not news([alert("bias")], held=[("bias", "warning")], muted=["bias"]).is_news


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (datetime(2024, 7, 1, 3, 59), ["error"]),  # 05:59 in Berlin's summer
        (datetime(2024, 7, 1, 4, 0), ["error", "warning"]),
        (datetime(2024, 1, 1, 4, 59), ["error"]),  # 05:59 in its winter
        (datetime(2024, 1, 1, 18, 59), ["error", "warning"]),
        (datetime(2024, 1, 1, 19, 0), ["error"]),
    ],
)
def test_hours_are_those_of_the_place(moment, due):
    params = NotifyParams(error_hours=(0, 24), warning_hours=(6, 20), timezone="Europe/Berlin")
    assert severities_due(moment, params) == due


def test_hours_that_end_before_they_begin_are_refused():
    with pytest.raises(ValueError, match=r"begin before they end, like \[6, 20\]; got \[20, 6\]"):
        NotifyParams(error_hours=(0, 24), warning_hours=(20, 6), timezone="local")


def test_a_message_counts_in_its_title_and_names_each_alert_on_one_line():
    message = news(
        [alert("bias", "error"), alert("drift"), alert("stock")],
        held=[("drift", "warning"), ("churn", "warning")],
    )
    assert title_of(message, "files") == "tillcast files: 2 new, 1 over, 3 open"
    assert body_of(message, {"drift": "ada, 2024-05-02T07:00"}) == (
        "NEW\n"
        "error bias: bias is off by 12% Look.\n"
        "warning stock: stock is off by 12% Look.\n\n"
        "OVER\n"
        "warning churn (since 2024-05-01)\n\n"
        "STILL OPEN\n"
        "warning drift (since 2024-05-01, taken on by ada, 2024-05-02T07:00)"
    )


def test_a_message_ends_with_where_to_do_something_about_it():
    text = body_of(news([alert("bias")]), {}, "https://till.example.org/")
    assert text.endswith("\n\nTake on, mute, resolve: https://till.example.org/alerts")


def test_an_all_clear_says_so():
    assert title_of(news([], held=[("bias", "error")]), "m5") == "tillcast m5: all clear"


def test_a_name_with_a_line_end_forges_no_line_and_a_thousand_alerts_are_counted():
    forged = alert("refused_file:x\nerror freshness: all stores are closed", "error")
    assert len(body_of(news([forged]), {}).splitlines()) == 2
    many = body_of(news([alert(f"bias:{k}") for k in range(1000)]), {}).splitlines()
    assert len(many) == 1 + MOST_LINES + 1
    assert many[-1].startswith(f"and {1000 - MOST_LINES} more")
