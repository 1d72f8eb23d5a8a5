"""Parts run by two workers of Dask: the same results, whoever dies on the way."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from contract.errors import BadUsage, PartFailed, WorkersUnreachable
from contract.question import NEWEST
from forecasting.part_lessons import PartLessons, lesson_of_parts
from forecasting.publication import serving_of
from forecasting.table import forecast_table
from scaling import engines
from scaling.engines import Here, engine_of
from scaling.run import run_parts

pytest.importorskip("distributed", reason="make extras brings Dask")
psutil = pytest.importorskip("psutil")

HERE = Path(__file__).parent
sys.path.append(str(HERE))  # on the workers' path, too: what is pickled is a module's name
part_works = importlib.import_module("part_works")
Adding, RUNS, VICTIM = part_works.Adding, part_works.RUNS, "part-0001"


@pytest.fixture(scope="module")
def workers():
    """An engine of two workers."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(HERE))
        with engine_of("dask") as engine:
            yield engine


def _shares(parts) -> list[str]:
    folders = parts.all_results("adding")
    return [(folder / "share").read_text() for folder in folders]


def test_the_table_is_the_same(
    small, chain, champion_of, workers, tmp_path, parts_of, in_parts, assert_same
):
    served = champion_of(small, chain)
    whole = forecast_table(small, chain.with_shut_days(), serving_of(small, served), NEWEST)
    parts = parts_of(chain, tmp_path, 3)
    assert_same(whole, in_parts(small, served, parts, NEWEST, workers))


def test_the_lesson_is_the_same(small, chain, workers, tmp_path, parts_of):
    lessons, made = PartLessons(small, None), []
    for name, engine in (("here", Here()), ("there", workers)):
        parts = parts_of(chain, tmp_path / name, 3)
        run_parts(lessons, "fit", parts, engine)
        folders = parts.all_results("fit")
        made.append(lesson_of_parts(folders, small.train.blocks[0]))
    here, there = made
    assert here.names == there.names
    for name, rows in vars(here.drawn).items():
        assert np.array_equal(rows, getattr(there.drawn, name), equal_nan=True)


@pytest.mark.parametrize("run", range(1, RUNS + 1))
def test_a_worker_killed_in_any_run_costs_that_run_of_its_part(
    chain, workers, tmp_path, parts_of, run
):
    here, there = parts_of(chain, tmp_path / "here", 3), parts_of(chain, tmp_path / "there", 3)
    expected = run_parts(Adding(), "adding", here, Here())
    added = run_parts(Adding(VICTIM, run), "adding", there, workers)
    assert part_works.rows_of(added) == part_works.rows_of(expected) == chain.sales.height
    assert _shares(there) == _shares(here)
    runs = [len((there.results("adding", k) / "runs").read_text()) for k in range(3)]
    assert runs[1] == RUNS + 1
    assert sum(runs) <= 3 * RUNS + 2  # whatever else the dead worker had begun


def test_a_part_that_always_ends_its_worker_is_named(chain, workers, tmp_path, parts_of):
    parts = parts_of(chain, tmp_path, 3)
    with pytest.raises(PartFailed, match=r"part 1 ended .* workers"):
        run_parts(Adding(VICTIM, 0), "adding", parts, workers)


def test_workers_of_other_code_are_refused(monkeypatch, workers):
    own = engines.code_hash()
    monkeypatch.setattr(workers.client, "run", lambda call: {"tcp://far": "another", "near": own})
    with pytest.raises(BadUsage, match=r"'tcp://far'.* run other code than this"):
        engines._refuse_other_code(workers.client)


def test_a_scheduler_without_workers_is_said(monkeypatch, workers):
    monkeypatch.setattr(workers.client, "run", lambda call: {})
    with pytest.raises(WorkersUnreachable, match="has no worker"):
        engines._refuse_other_code(workers.client)


def test_a_scheduler_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(engines, "CONNECT_S", 1.0)
    address = "dask:tcp://127.0.0.1:1"
    with pytest.raises(WorkersUnreachable, match="no scheduler"), engine_of(address):
        pass


def test_without_any_worker_it_ends_with_the_way_out(chain, monkeypatch, tmp_path):
    from distributed import Client, LocalCluster

    monkeypatch.setattr(engines, "LOOK_S", 0.2)
    monkeypatch.setattr(engines, "WITHOUT_WORKER_S", 0.5)
    cluster = LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0")
    with cluster, Client(cluster) as client, pytest.raises(WorkersUnreachable, match="no worker"):
        engines.OnDask(client).each(abs, [1])


def test_no_port_but_of_this_machine_is_open_by_default(workers):
    info = workers.client.scheduler_info()
    addresses = [workers.client.scheduler.address, *info["workers"]]
    assert all(address.startswith("tcp://127.0.0.1:") for address in addresses)
    own = psutil.Process()
    processes = [own, *own.children(recursive=True)]
    listening = [
        at.laddr.ip for one in processes for at in one.net_connections() if at.status == "LISTEN"
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}
