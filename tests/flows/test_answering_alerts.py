"""What a person does about an alert with monitor.py: take it on, mute it for a while, close it by
hand, or name a number that no alert has.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

import monitor
from storage.alerts import open_alerts
from storage.panel_files import read_frozen
from storage.store import open_store


@pytest.fixture
def stale(shop) -> datetime:
    """Five mornings after the last sales day, looked at once: the missing feed is an open alert.
    The next morning.
    """
    last = read_frozen(shop.paths.panel).last_day
    morning = datetime.combine(last + timedelta(days=5), datetime.min.time()) + timedelta(hours=6)
    assert "freshness" in monitor.monitor(shop.params, shop.paths, now=morning)["raised"]
    return morning + timedelta(days=1)


@pytest.fixture
def say(shop, capsys):
    """`say("ack", "1", now=...)`: the exit code of monitor.py, and its summary as JSON."""

    def run_monitor(*arguments: str, now: datetime) -> tuple[int, dict]:
        where = [*shop.options, "--json"]
        capsys.readouterr()
        code = monitor.main([*arguments, "--now", now.isoformat(timespec="minutes"), *where])
        return code, json.loads(capsys.readouterr().out)

    return run_monitor


def number_of(shop, cause: str) -> int:
    with open_store(shop.paths.store, read_only=True) as con:
        return open_alerts(con).filter(cause=cause)["alert_id"].item()


def test_an_alert_taken_on_stays_open_and_says_by_whom(shop, stale, say):
    number = number_of(shop, "freshness")
    assert say("ack", str(number), "--by", "ada", now=stale) == (
        0,
        {"acknowledged": "freshness", "by": "ada"},
    )
    code, summary = say(now=stale)
    assert code == 0
    assert "freshness" in summary["raised"]
    assert "(taken on by ada" in summary["attention"]
    assert number_of(shop, "freshness") == number


@pytest.mark.parametrize("name", ["a\nerror bias: all is lost", "a" * 101, " ", "\udcff"])
def test_a_name_that_would_forge_a_line_is_refused(shop, stale, say, name):
    number = number_of(shop, "freshness")
    code, refused = say("ack", str(number), "--by", name, now=stale)
    assert (code, refused["error"]) == (2, "BadUsage")
    code, refused = say("as-calibrated", "--by", name, now=stale)
    assert (code, refused["error"]) == (2, "BadUsage")


def test_what_is_muted_is_not_raised_until_its_time_is_over_or_it_is_lifted(shop, stale, say):
    number = number_of(shop, "freshness")
    assert say("resolve", str(number), now=stale) == (0, {"resolved": "freshness"})
    assert say("mute", "freshness", "--days", "2", now=stale)[1]["muted"] == "freshness"
    quiet = say(now=stale + timedelta(days=1))[1]
    assert "freshness" not in quiet["raised"]
    assert "freshness" not in quiet["attention"]
    assert (quiet["muted"], quiet["worst"]) == (["freshness"], "error")  # muted is not well
    assert "freshness" in say(now=stale + timedelta(days=3))[1]["raised"]
    say("mute", "freshness", "--days", "30", now=stale)
    say("mute", "freshness", "--days", "0", now=stale)
    assert say(now=stale + timedelta(days=1))[1]["muted"] == []


def test_closed_by_hand_the_next_look_raises_a_standing_cause_anew(shop, stale, say):
    number = number_of(shop, "freshness")
    assert say("resolve", str(number), now=stale)[0] == 0
    assert "freshness" in say(now=stale)[1]["raised"]
    assert number_of(shop, "freshness") > number


@pytest.mark.parametrize("word", ["ack", "resolve"])
def test_a_number_nobody_knows_is_refused_in_one_line_with_those_that_are_open(
    shop, stale, say, word
):
    code, summary = say(word, "999", now=stale)
    assert (code, summary["error"]) == (2, "BadUsage")
    assert "freshness" in summary["reason"]


def test_two_tasks_at_once_are_refused_by_the_parser(shop, stale, say):
    with pytest.raises(SystemExit, match="2"):
        say("ack", "1", "resolve", "1", now=stale)


@pytest.mark.parametrize("cause", ["biass", "bias:store_id:NOWHERE", "drift:demnad", "frshness"])
def test_a_cause_that_nothing_here_could_raise_is_not_muted(shop, stale, say, cause):
    code, said = say("mute", cause, now=stale)
    assert (code, said["error"]) == (2, "BadUsage")
    assert f"nothing here is called '{cause}'" in said["reason"]
    assert say(now=stale)[1]["muted"] == []


@pytest.mark.parametrize("cause", ["bias", "bias:store_id", "bias:store_id:CA_1", "stock:CA_1"])
def test_a_watcher_and_each_of_its_groups_can_be_muted_before_they_were_ever_raised(
    stale, say, cause
):
    assert say("mute", cause, now=stale)[1]["muted"] == cause
