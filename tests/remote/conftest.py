"""A shop whose sales stand in a database: SQLite, which needs no driver, or PostgreSQL."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from benchmarks.harness.postgres import Postgres, binaries, served
from contract.frames import FORECASTS
from contract.params import FilesParams, Params, SqlParams
from runtime.paths import Paths
from storage.forecasts import publish
from storage.runs import Run
from storage.store import open_store

URL = "TILLCAST_TEST_URL"
FIRST = date(2024, 3, 1)
SERIES = [(shop, item) for shop in "NS" for item in ("milk", "rice", "tea")]
MAPPING = {
    "sales": "sales.*",
    "columns": {"unique_id": ["shop", "sku"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop"},
}


@pytest.fixture
def shop_of_tables(params: Params) -> Callable[..., Params]:
    """`shop_of_tables(facts, **mapping)`: the params of a shop whose facts are tables."""

    def of(facts: dict, **mapping: object) -> Params:
        files = FilesParams.model_validate(MAPPING | mapping)
        sql = SqlParams.model_validate({"url_env": URL, "facts": facts, "batch_rows": 1000})
        fields = params.source.model_dump() | {
            "kind": "sql", "path": None, "levels": ((),), "region": None,
            "files": files.model_dump(), "sql": sql.model_dump(),
        }  # fmt: skip
        source = type(params.source).model_validate(fields)
        small = {"great_expectations_max_rows": 0, "max_refused_share": 0.5, "lock_wait_s": 1.0}
        ingest = params.ingest.model_copy(update=small)
        return params.model_copy(update={"source": source, "ingest": ingest})

    return of


@pytest.fixture
def shop(shop_of_tables: Callable[..., Params]) -> Params:
    """Sales with a moment of change."""
    return shop_of_tables({"sales": {"table": "sales", "watermark": "changed_at"}})


class Database:
    """A SQLite file with a table of sales, and what its owner does to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run(
            "create table sales (shop text, sku text, day date, sold real, "
            "changed_at timestamp, buyer text)"
        )

    def run(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as con:
            for statement in statements:
                con.execute(statement)
        con.close()

    def add(self, day: date, changed_at: datetime, sold: float = 3, shops: str = "NS") -> None:
        """A day of every item of these shops."""
        rows = [
            (shop, sku, str(day), sold, str(changed_at), "ada@example.org")
            for shop, sku in SERIES
            if shop in shops
        ]
        with sqlite3.connect(self.path) as con:
            con.executemany("insert into sales values (?, ?, ?, ?, ?, ?)", rows)
        con.close()

    def count(self) -> int:
        """Its rows of sales."""
        with sqlite3.connect(self.path) as con:
            count = con.execute("select count(*) from sales").fetchone()[0]
        con.close()
        return count

    def fill(self, days: int) -> None:
        """So many days from the first, each changed at six the morning after."""
        for number in range(days):
            day = FIRST + timedelta(days=number)
            self.add(day, morning_after(day), sold=3 + number % 7)


def morning_after(day: date, hour: int = 6) -> datetime:
    """The moment at which a day is loaded."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time()).replace(hour=hour)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with 40 days, its url in the environment."""
    made = Database(tmp_path / "shop.db")
    monkeypatch.setenv(URL, f"sqlite:///{made.path}")
    made.fill(40)
    return made


@pytest.fixture
def sales_in(paths: Paths) -> Callable[[], pl.DataFrame]:
    """The store's sales now, sorted."""

    def read() -> pl.DataFrame:
        with open_store(paths.store, 1.0, read_only=True) as con:
            return con.sql("select unique_id, ds, y from sales order by all").pl()

    return read


@pytest.fixture
def table(paths: Paths) -> Callable[..., str]:
    """`table(run_id, rows)`: a table of that run in the store."""

    def write(run_id: str = "run-1", rows: int = 30, day: date = date(2024, 4, 9)) -> str:
        now = datetime(2024, 4, 10, 7)
        forecasts = pl.DataFrame({"unique_id": [f"N_{number:04}" for number in range(rows)]})
        forecasts = forecasts.with_columns(
            run_id=pl.lit(run_id), origin=pl.lit(day), ds=pl.lit(day + timedelta(days=1)),
            h=pl.lit(1), y_hat=pl.int_range(rows) / 4, method=pl.lit("made_up"),
            created_at=pl.lit(now),
            **{name: pl.lit(1.0) for name in FORECASTS.columns if name.startswith("q")},
        )  # fmt: skip
        with open_store(paths.store, 1.0) as con:
            publish(con, Run(run_id, "inference", now), {"forecasts": FORECASTS.conform(forecasts)})
        return run_id

    return write


# PostgreSQL: a server of our own on this machine


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A fresh PostgreSQL with one superuser, ended with the session."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL or no psycopg here: `make extras` brings both")
    with served(programs) as server:
        yield server


class Cut:
    """A road to a server that breaks off after so many bytes, each way."""

    def __init__(self, to_port: int, after_bytes: int) -> None:
        self.to_port, self.left = to_port, after_bytes
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                far = socket.create_connection(("127.0.0.1", self.to_port))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(4096):
                self.left -= len(chunk)
                if self.left < 0:
                    break
                target.sendall(chunk)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """No more connections."""
        self.listening.close()


@pytest.fixture
def cut_after(postgres: Postgres) -> Iterator[Callable[[int], str]]:
    """`cut_after(bytes)`: a url of the server over a road that breaks off."""
    roads: list[Cut] = []

    def of(after_bytes: int) -> str:
        roads.append(Cut(postgres.port, after_bytes))
        return postgres.url(roads[-1].port)

    yield of
    for road in roads:
        road.close()
