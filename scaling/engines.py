"""Who runs the parts: this process, one after another, or the workers of a Dask cluster.

An engine calls a function for each number and gives back what it returned, in their order. What
travels is paths and small values; panels, totals and rows are files that all workers see.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from contract.errors import BadUsage, PartFailed, WorkersUnreachable

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger("scaling")

HERE, DASK = "here", "dask"
CONNECT_S = 10.0
LOOK_S = 5.0  # between two looks at whether any worker is left
WITHOUT_WORKER_S = 120.0  # after which nobody waits for one to come back
LOST_WORKERS = 3  # that a part may have before it is named as what ends them
NO_EXTRA = (
    "--on dask needs the package `distributed`, which is not installed. Run `make extras`, or "
    "leave --on out: one machine runs the parts one after another."
)
ROOT = Path(__file__).resolve().parent.parent

Result = TypeVar("Result")


class Engine(Protocol):
    """Runs parts."""

    def each(self, call: Callable[[int], Result], numbers: Sequence[int]) -> list[Result]:
        """What the call returns for each number, in their order."""
        ...


class Here:
    """One part after another, in this process."""

    def each(self, call: Callable[[int], Result], numbers: Sequence[int]) -> list[Result]:
        """As Engine.each."""
        gc.freeze()  # what is there already is no part's garbage, which is collected after each
        try:
            return [call(number) for number in numbers]
        finally:
            gc.unfreeze()


class OnDask:
    """Dask's futures. A worker that dies has its part run again by another."""

    def __init__(self, client: Client):
        self.client = client

    def each(self, call: Callable[[int], Result], numbers: Sequence[int]) -> list[Result]:
        """As Engine.each. PartFailed names a part that always ends its worker."""
        number_of = dict(
            zip(self.client.map(call, list(numbers), pure=False), numbers, strict=True)
        )
        results: dict[int, Result] = {}
        while number_of:
            for future in self._done(list(number_of)):
                number = number_of.pop(future)
                results[number] = _result_of(future, number)
                future.release()  # held, it would be made again when its worker dies
        return [results[number] for number in numbers]

    def _done(self, pending: list[Future[Any]]) -> set[Future[Any]]:
        """Those that ended, some at least. WorkersUnreachable where no worker came back."""
        from distributed import wait

        without_worker = 0.0
        while True:
            with suppress(TimeoutError):
                ended: set[Future[Any]] = wait(pending, LOOK_S, "FIRST_COMPLETED").done
                return ended
            is_alone = not self.client.scheduler_info(n_workers=-1)["workers"]
            without_worker = without_worker + LOOK_S if is_alone else 0.0
            if without_worker >= WITHOUT_WORKER_S:
                raise WorkersUnreachable(
                    f"no worker is left for {without_worker:.0f} s, {len(pending)} parts wait for "
                    "one. Nothing was published. Start workers (docs/scale_out.md), then run it "
                    "again."
                )


def _result_of(future: Future[Any], number: int) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise PartFailed(
            f"part {number} ended {LOST_WORKERS} workers in a row. Nothing was published. Give "
            "workers more memory, or take more parts (--parts), then run it again."
        ) from error


@contextmanager
def engine_of(name: str) -> Iterator[Engine]:
    """`here`; `dask`: two workers of this machine, for as long as it takes; `dask:tcp://host:port`:
    a scheduler that runs already. BadUsage for any other name, and without the extra.
    """
    kind, _, address = name.partition(":")
    if kind == HERE and not address:
        yield Here()
    elif kind == DASK:
        with _client(address) as client:
            _refuse_other_code(client)
            yield OnDask(client)
    else:
        raise BadUsage(f"--on {name} is no engine. Give here, dask or dask:tcp://host:port.")


def code_hash() -> str:
    """A short name of the code of this checkout, by which workers of other code are found."""
    digest = hashlib.sha256()
    for path in sorted(ROOT.glob("*/*.py")):
        if path.parent.name not in ("tests", "benchmarks", "docs", "data"):
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _own_path() -> list[str]:
    own = os.environ.get("PYTHONPATH", "")
    return own.split(os.pathsep) if own else []


@contextmanager
def _client(address: str) -> Iterator[Client]:
    if importlib.util.find_spec("distributed") is None:
        raise BadUsage(NO_EXTRA)
    import dask
    from distributed import Client, LocalCluster

    settings: dict[str, Any] = {
        # a worker gets one part at a time, so that who dies is counted against the part it had
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": LOST_WORKERS - 1,
        "distributed.worker.multiprocessing-method": "spawn",
        "distributed.nanny.pre-spawn-environ": {
            "POLARS_MAX_THREADS": 1,
            "OMP_WAIT_POLICY": "passive",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *_own_path()]),
        },
        "distributed.admin.log-format": "%(name)s %(message)s",
        "distributed.logging": {"distributed": "error"},
    }
    with dask.config.set(settings):
        if not address:
            count = max(os.cpu_count() or 1, 2)
            with (
                LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(address, timeout=CONNECT_S)
        except (OSError, TimeoutError) as error:
            raise WorkersUnreachable(
                f"no scheduler is there at '{address}' ({error}). Start it (docs/scale_out.md), or "
                "leave --on out."
            ) from error
        with client:
            yield client


def _refuse_other_code(client: Client) -> None:
    """BadUsage for workers whose code is not this, or a scheduler without it; WorkersUnreachable
    for a cluster without any worker.
    """
    try:
        client.run_on_scheduler(code_hash)
        codes = client.run(code_hash)
    except ImportError as error:
        raise BadUsage(
            f"the scheduler or a worker has not this code ({error}). Start all of them in a "
            "checkout of the same commit with PYTHONPATH=. (docs/scale_out.md)."
        ) from error
    if not codes:
        raise WorkersUnreachable("the scheduler has no worker. Start some (docs/scale_out.md).")
    own = code_hash()
    if other := sorted(address for address, code in codes.items() if code != own):
        raise BadUsage(
            f"the workers {other} run other code than this ({own}). Check out the same commit "
            "there, start them again, then run it again."
        )
    log.info("engine=dask workers=%d code=%s", len(codes), own)
