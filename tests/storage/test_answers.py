"""What people said to alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contract.errors import BadUsage
from storage.alerts import Alert, open_alerts, raise_alert
from storage.answers import (
    acknowledge,
    acknowledged,
    approval_of,
    approve_orders,
    mute,
    muted,
    redo_response,
    resolve,
)
from storage.journal import BASELINE, read_entry, recorded
from storage.rebuild import rebuild
from storage.store import claim, journal_of, open_store, transaction

NOW = datetime(2024, 5, 1, 6)
BIAS = Alert("bias", "error", "12% too much", 12.0, 5.0, "look")


@pytest.fixture
def con(tmp_path):
    with open_store(tmp_path / "store.duckdb", 1) as con:
        yield con


def test_who_took_an_alert_on_is_kept_until_it_is_closed(con):
    number = raise_alert(con, BIAS, NOW)
    assert acknowledge(con, number, "ada", NOW) == "bias"
    assert acknowledged(con) == {"bias": "ada, 2024-05-01T06:00"}
    assert resolve(con, number, NOW) == "bias"
    assert acknowledged(con) == {}
    assert open_alerts(con).is_empty()


def test_an_alert_that_is_not_open_is_refused_with_those_that_are(con):
    raise_alert(con, BIAS, NOW)
    for action in (lambda: acknowledge(con, 7, "ada", NOW), lambda: resolve(con, 7, NOW)):
        with pytest.raises(BadUsage, match=r"no open alert 7. Open alerts: 1 \(bias\)"):
            action()


def test_a_cause_is_muted_for_a_while_and_muting_it_again_replaces_that(con):
    mute(con, "bias", NOW + timedelta(days=3))
    mute(con, "drift:prices", NOW + timedelta(days=1))
    assert muted(con, NOW) == ["bias", "drift:prices"]
    assert muted(con, NOW + timedelta(days=2)) == ["bias"]
    mute(con, "bias", NOW)
    assert muted(con, NOW) == ["drift:prices"]


SOURCE = "files-1"


@pytest.fixture
def store(tmp_path):
    """A store with a journal."""
    path = tmp_path / "data" / "tillcast.duckdb"
    with open_store(path) as con, transaction(con):
        claim(con, SOURCE)
    return path


def baseline(store) -> None:
    with open_store(store) as con, recorded(con, BASELINE):
        pass


def nothing(_store) -> None:
    """The entries stay as they are."""


@pytest.mark.parametrize("begun_anew", [nothing, baseline])
def test_a_rebuilt_store_knows_what_is_muted(store, begun_anew):
    with open_store(store) as con:
        mute(con, "bias", NOW + timedelta(days=3))
        mute(con, "drift", NOW)
    begun_anew(store)
    with open_store(store) as con:
        mute(con, "drift", NOW + timedelta(days=1))
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    with open_store(store) as con:
        assert muted(con, NOW) == ["bias", "drift"]
        assert muted(con, NOW + timedelta(days=2)) == ["bias"]


def test_what_was_said_of_an_alert_comes_back_with_it_and_with_no_other(store):
    churn = replace(BIAS, cause="churn")
    with open_store(store) as con:
        mute(con, "drift", NOW)  # the first entry is the whole store
        raise_alert(con, BIAS, NOW)
        raise_alert(con, churn, NOW)
        acknowledge(con, 1, "ada", NOW)
        resolve(con, 2, NOW)
    entries = [read_entry(journal_of(store, SOURCE), number) for number in (2, 3)]

    def said_again(name: str, alerts: list[Alert]) -> tuple[dict[str, str], list[str]]:
        with open_store(store.parent.parent / name) as con:
            for alert in alerts:
                raise_alert(con, alert, NOW)
            with transaction(con):
                for entry in entries:
                    redo_response(con, entry)
            return acknowledged(con), open_alerts(con)["cause"].to_list()

    assert said_again("whole.duckdb", [BIAS, churn]) == (
        {"bias": "ada, 2024-05-01T06:00"},
        ["bias"],
    )
    assert said_again("without_alerts.duckdb", []) == ({}, [])
    with open_store(store.parent.parent / "without_alerts.duckdb") as con:
        raise_alert(con, churn, NOW)
        assert acknowledged(con) == {}


@pytest.mark.parametrize("begun_anew", [nothing, baseline])
def test_an_approval_is_of_the_proposals_as_they_stand_and_comes_back_with_a_rebuild(
    store, begun_anew
):
    day = NOW.date()
    with open_store(store) as con:
        with pytest.raises(BadUsage, match=r"no orders of 2024-05-01 are proposed"):
            approve_orders(con, day, "ada", NOW)
        with transaction(con):
            statement = "insert into orders (order_day, unique_id, created_at) values ($d, 'a', $t)"
            con.execute(statement, {"d": day, "t": NOW}).fetchall()
        assert approval_of(con, day) is None
        approve_orders(con, day, "ada", NOW + timedelta(hours=1))
        said = approval_of(con, day)
    assert said == {"by": "ada", "at": "2024-05-01T07:00", "proposed_at": NOW.isoformat()}
    begun_anew(store)
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    with open_store(store) as con:
        assert approval_of(con, day) == said
