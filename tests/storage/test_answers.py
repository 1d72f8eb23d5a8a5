"""What people said to alerts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contract.errors import BadUsage
from storage.alerts import Alert, open_alerts, raise_alert
from storage.answers import acknowledge, acknowledged, mute, muted, resolve
from storage.store import open_store

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
