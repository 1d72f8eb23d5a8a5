"""Looks and messages over a real store: sent once, tried again, kept through a rebuild."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contract.errors import BadUsage
from contract.params_file import load_params
from monitoring.decide import Retrain
from monitoring.finding import Finding
from monitoring.unsent import unsent
from stages.answer_alerts import mute_cause
from stages.notify import notify, notify_of_look, try_channels
from stages.raise_alerts import raise_alerts
from storage.alerts import open_alerts
from storage.journal import BASELINE, recorded
from storage.notices import undelivered
from storage.rebuild import rebuild
from storage.store import claim, open_store, transaction

FIRST = datetime(2024, 5, 1, 6)
WELL = Finding("freshness", "the newest sales day is yesterday", "ok", 1.0, 2.0)
LATE = Finding("freshness", "the newest sales day is 5 days ago", "error", 5.0, 2.0, "Call.")
OFF = Finding("bias", "12% too much", "warning", 0.12, 0.1, "Look.")
NONE = Retrain(False, "none", "nothing to do")


@pytest.fixture
def params(root):
    return load_params(root / "params.yaml")


@pytest.fixture
def look(params, paths):
    """`look(day, finding, ...)`: a look with these findings on the morning of a day, and what it
    sent.
    """
    with open_store(paths.store) as con, transaction(con):
        claim(con, "files-1")

    def morning(day: int, *findings: Finding) -> dict:
        now = FIRST + timedelta(days=day)
        with open_store(paths.store, read_only=True) as con:
            every = [*findings, *unsent(undelivered(con))]
        loud = [finding for finding in every if finding.severity != "ok"]
        raise_alerts(params, paths, every, loud, NONE, now)
        return notify_of_look(params, paths, now)

    return morning


def test_twenty_mornings_in_which_one_fault_comes_and_goes_are_two_messages(
    look, webhook, mailbox, addresses
):
    addresses(webhook.url, mailbox.url)
    for day in range(20):
        look(day, LATE if 5 <= day < 12 else WELL)
    titles = ["tillcast simulator: 1 new, 1 open", "tillcast simulator: all clear"]
    assert [post["title"] for post in webhook.posts] == titles
    assert [mail["Subject"] for mail in mailbox.mails] == titles
    assert (
        "error freshness: the newest sales day is 5 days ago Call." in webhook.posts[0]["message"]
    )


def test_a_message_that_did_not_arrive_is_tried_at_the_next_look_and_others_hear_of_it(
    look, webhook, mailbox, addresses, paths
):
    addresses(webhook.url, mailbox.url)
    webhook.status = 503
    failed = look(0, LATE)
    assert list(failed["sent"].values()) == ["tillcast simulator: 1 new, 1 open"]
    ((channel, problem),) = failed["undelivered"].items()
    assert channel.startswith("json:") and "503" in problem
    with open_store(paths.store) as con:
        assert undelivered(con) == {channel: (1, problem)}
    look(1, LATE)
    assert mailbox.mails[-1]["Subject"] == "tillcast simulator: 1 new, 2 open"
    assert f"messages:{channel}" in mailbox.mails[-1].get_content()
    webhook.status = 200
    assert look(2, LATE)["undelivered"] == {}
    assert [post["title"] for post in webhook.posts] == ["tillcast simulator: 2 new, 2 open"]
    look(3, LATE)
    assert mailbox.mails[-1]["Subject"] == "tillcast simulator: 1 over, 1 open"


def test_a_warning_at_night_waits_for_the_morning(params, look, webhook, addresses, paths):
    addresses(webhook.url)
    look(-3 / 24, OFF)  # 05:00 in Berlin
    assert webhook.posts == []
    assert list(notify(params, paths, FIRST)["sent"].values()) == [
        "tillcast simulator: 1 new, 1 open"
    ]


def test_muted_is_not_sent(params, look, webhook, addresses, paths):
    addresses(webhook.url)
    look(-3 / 24, OFF)
    mute_cause(params, paths, "bias", 7, FIRST)
    assert notify(params, paths, FIRST)["sent"] == {}


def as_it_is(_paths) -> None:
    """The journal stays as it is."""


def begun_anew(paths) -> None:
    with open_store(paths.store) as con, recorded(con, BASELINE):
        pass


@pytest.mark.parametrize("journal", [as_it_is, begun_anew])
def test_a_rebuilt_store_knows_what_was_sent(look, webhook, addresses, paths, journal):
    addresses(webhook.url)
    look(0, LATE)
    journal(paths)
    rebuild(paths.store, paths.stores, "files-1", FIRST)
    look(1, LATE)
    assert len(webhook.posts) == 1


def test_an_address_that_is_gone_misses_nothing_and_a_new_one_learns_what_is_open(
    look, webhook, mailbox, addresses
):
    addresses("json://127.0.0.1:9/gone")
    assert look(0, LATE)["undelivered"]
    addresses(mailbox.url)
    look(1, LATE)
    look(2, LATE)
    subjects = [mail["Subject"] for mail in mailbox.mails]
    # raised while the old address was still named, and over as it is named no more
    assert subjects == [
        "tillcast simulator: 2 new, 2 open",
        "tillcast simulator: 1 over, 1 open",
    ]


def test_without_any_address_left_what_did_not_arrive_is_forgotten(look, addresses, paths):
    addresses("json://127.0.0.1:9/gone")
    assert look(0, LATE)["undelivered"]
    look(1, LATE)  # raises messages:<channel>
    addresses()
    assert look(2, LATE) == {"sent": {}, "undelivered": {}}
    look(3, LATE)
    with open_store(paths.store, read_only=True) as con:
        assert undelivered(con) == {}
        assert open_alerts(con)["cause"].to_list() == ["freshness"]


def test_a_look_goes_on_where_addresses_cannot_be_read(look, addresses):
    addresses("nosuch://ada:s3cret@host")
    sent = look(0, LATE)
    assert "address 1 of TILLCAST_NOTIFY" in sent["undelivered"]["addresses"]
    assert "s3cret" not in str(sent)


def test_a_look_without_addresses_sends_nothing_and_the_task_is_refused(
    look, addresses, params, paths
):
    assert look(0, LATE) == {"sent": {}, "undelivered": {}}
    for task in (lambda: notify(params, paths, FIRST), lambda: try_channels(params)):
        with pytest.raises(BadUsage, match="no address to send to"):
            task()


def test_a_dry_run_says_what_is_due_and_sends_nothing(look, params, paths, webhook, addresses):
    look(0, LATE)
    addresses(webhook.url)
    for _ in range(2):
        (text,) = notify(params, paths, FIRST, dry_run=True)["would_send"].values()
        assert text.startswith("tillcast simulator: 1 new, 1 open\n\nNEW\nerror freshness")
    assert webhook.posts == []


def test_a_test_reaches_every_address_or_says_which_not(params, webhook, addresses):
    addresses(webhook.url, "json://127.0.0.1:9/gone")
    tried = try_channels(params)
    assert len(tried["sent"]) == len(tried["undelivered"]) == 1
    assert webhook.posts[0]["title"] == "tillcast simulator: a test"
