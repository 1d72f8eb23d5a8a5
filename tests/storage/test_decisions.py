"""Who serves and why: promotions, refusals and rollbacks leave a reason, in the store and in its
journal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from contract.errors import ModelBroken
from contract.frames import FORECAST_LEVELS, FORECASTS, SCORES
from storage.decisions import (
    Decision,
    Meanwhile,
    fields_of,
    newest_interval_scale,
    read_decisions,
    record_decision,
    serving_meanwhile,
    write_decision,
)
from storage.models import Model, champion, in_line, promote
from storage.offline import Verdict, publish_offline
from storage.rebuild import rebuild
from storage.runs import Run
from storage.store import claim, open_store, transaction

NOW = datetime(2024, 3, 1, 5)
NOTHING = {
    "forecasts": FORECASTS.empty(),
    "forecast_levels": FORECAST_LEVELS.empty(),
    "scores": SCORES.empty(),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three models, promoted one after the other, a day between them."""
    path = tmp_path / "data" / "tillcast.duckdb"
    with open_store(path) as con:
        claim(con, "files-1")
        for k, name in enumerate("abc"):
            model = Model(name, "global_lightgbm", date(2024, 2, 1), "p", "q", "{}", _day(k))
            run, why = Run(name, "inference", _day(k)), f"{name} is better"
            publish_offline(con, model, run, NOTHING, Verdict(True, why))
    return path


def _day(k: int) -> datetime:
    return NOW + timedelta(days=k)


def test_a_rollback_names_the_model_it_replaced_and_the_reason(store):
    with open_store(store) as con:
        decision = promote(con, "a", "c forecasts twice of what sells", _day(9), "rollback")
        assert decision == Decision(
            "rollback", _day(9), "champion", "c forecasts twice of what sells", "a", "c"
        )
        assert read_decisions(con, "rollback").to_dicts() == [fields_of(decision)]
        assert champion(con) == "a"


def test_the_factors_of_a_recalibration_come_back_from_table_and_journal(store, tmp_path):
    """Column and journal keep the name they have in stores made so far."""
    decision = Decision("recalibration", _day(9), "stretched", "too narrow", "c", None, "[1.2]")
    with open_store(store) as con:
        record_decision(con, decision)
    rebuild(store, tmp_path / "aside", "files-1", NOW)
    with open_store(store) as con:
        assert newest_interval_scale(con, "c") == decision
        assert read_decisions(con, "recalibration")["told"].to_list() == ["[1.2]"]


def test_after_a_rollback_no_younger_model_stands_in_line(store):
    with open_store(store) as con:
        promote(con, "b", "c is broken", _day(9), "rollback")
        assert in_line(con) == ["b", "a"]


def test_what_was_rolled_back_from_does_not_stand_behind_the_next_champion(store):
    with open_store(store) as con:
        promote(con, "b", "c is broken", _day(9), "rollback")
        promote(con, "a", "tried again", _day(10))
        assert in_line(con) == ["a", "b"]
        promote(con, "c", "mended", _day(11))
        assert in_line(con) == ["c", "a", "b"]


def test_a_store_made_again_has_the_same_champion_and_the_same_reasons(store, tmp_path):
    with open_store(store) as con:
        promote(con, "a", "c is broken", _day(9), "rollback")
        before = champion(con), read_decisions(con).to_dicts()
    rebuild(store, tmp_path / "aside", "files-1", NOW)
    with open_store(store) as con:
        assert (champion(con), read_decisions(con).to_dicts()) == before


def test_an_unknown_model_is_refused_and_nothing_is_written(store):
    with open_store(store) as con:
        with pytest.raises(ModelBroken, match="zzz"):
            promote(con, "zzz", "?", _day(9), "rollback")
        assert champion(con) == "c"
        assert read_decisions(con, "rollback").is_empty()


def test_a_refusal_judged_again_says_who_serves_now(tmp_path):
    """The same candidate, held back again by another backtest: production reads the decision."""
    model = Model("a", "global_lightgbm", date(2024, 2, 1), "p", "q", "{}", _day(0))
    judged = ["window_average", "global_lightgbm", "global_lightgbm", None]
    with open_store(tmp_path / "tillcast.duckdb") as con:
        claim(con, "files-1")
        seen = []
        for k, serves in enumerate(judged):
            run = Run(f"run {k}", "inference", _day(k))
            again = replace(model, created_at=_day(k))
            publish_offline(con, again, run, NOTHING, Verdict(False, "too few cutoffs", serves))
            seen.append(serving_meanwhile(con))
        assert seen == [
            Meanwhile("a", name, "too few cutoffs") if name else None for name in judged
        ]
        assert read_decisions(con, "promotion").height == 3


def test_what_the_newest_refusal_lets_serve_is_of_an_older_candidate_too(tmp_path):
    """Models a, b, and a again: the last verdict counts, though a was refused before."""
    with open_store(tmp_path / "tillcast.duckdb") as con:
        claim(con, "files-1")
        for k, name in enumerate("aba"):
            model = Model(name, "global_lightgbm", date(2024, 2, 1), "p", "q", "{}", _day(k))
            run = Run(f"run {k}", "inference", _day(k))
            publish_offline(con, model, run, NOTHING, Verdict(False, "held back", f"of {name}"))
        assert serving_meanwhile(con) == Meanwhile("a", "of a", "held back")


def test_the_same_decision_at_the_same_moment_stands_once(store):
    decision = Decision("retrain", NOW, "none", "the champion is young")
    with open_store(store) as con, transaction(con):
        write_decision(con, decision)
        write_decision(con, decision)
        assert read_decisions(con, "retrain").height == 1


_KILLED = """
import os, sys
from datetime import datetime
from pathlib import Path
import storage.models as models
from storage.store import open_store
written = models.write_decision
def dies(con, decision):
    written(con, decision)
    os.kill(os.getpid(), 9)
models.write_decision = dies
with open_store(Path(sys.argv[1])) as con:
    models.promote(con, "a", "c is broken", datetime(2024, 3, 9), "rollback")
"""


def test_a_rollback_killed_before_its_end_has_changed_nothing(store, root):
    command = [sys.executable, "-c", _KILLED, str(store)]
    done = subprocess.run(command, cwd=root, env=os.environ, check=False)  # noqa: S603 -- our own words
    assert done.returncode == -signal.SIGKILL
    with open_store(store) as con:
        assert champion(con) == "c"
        assert read_decisions(con, "rollback").is_empty()
        promote(con, "a", "c is broken", _day(9), "rollback")
        assert champion(con) == "a"
