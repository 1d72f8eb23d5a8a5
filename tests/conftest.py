"""What several packages' tests share: a small seeded panel of our own, and small params. No package
but contract/ and runtime/ is needed for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import hypothesis
import numpy as np
import polars as pl
import pytest

from contract.panel import Panel, panel_of
from contract.params import (
    EvaluateParams,
    FeatureParams,
    FilesParams,
    GateParams,
    InferenceParams,
    Params,
    TrainParams,
)
from contract.params_file import load_laid
from runtime.paths import Paths

MakePanel = Callable[..., Panel]

hypothesis.settings.register_profile(
    "tillcast", deadline=None, max_examples=12, derandomize=True, database=None
)
hypothesis.settings.load_profile("tillcast")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def retired_words(root: Path) -> str:
    """The words of retired_words.txt as one regular expression."""
    lines = (root / "tests" / "retired_words.txt").read_text(encoding="utf-8").splitlines()
    return "|".join(re.split(r"\s{2,}", line)[0] for line in lines if not line.startswith("#"))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """An empty data folder with an inbox."""
    paths = Paths(tmp_path / "data")
    paths.inbox.mkdir(parents=True)
    return paths


@pytest.fixture(scope="session")
def params(root: Path) -> Params:
    """params.yaml as shipped."""
    return load_laid(root / "params.yaml", None)


@pytest.fixture(scope="session")
def shop_of_files(params: Params) -> Callable[[dict], Params]:
    """The params of a small shop of one's own, whose files are mapped as given: judged by Polars;
    half of so small a file may be refused.
    """

    def of(mapping: dict) -> Params:
        files = FilesParams.model_validate(mapping)
        own = {"kind": "files", "path": None, "levels": ((),), "region": None, "files": files}
        small = {"great_expectations_max_rows": 0, "max_refused_share": 0.5}
        source = params.source.model_copy(update=own)
        return params.model_copy(
            update={"source": source, "ingest": params.ingest.model_copy(update=small)}
        )

    return of


@pytest.fixture(autouse=True)
def _root_logger_as_found() -> Iterator[None]:
    """run() configures the root logger; what one test did to it must not reach the next."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture(scope="session")
def feature_params(params: Params) -> FeatureParams:
    """Every family switched on, few members each."""
    small = {
        "lags": [0, 1, 6],
        "windows": [7, 28],
        "weekday_weeks": [1, 4],
        "year_windows": [1, 7, 28],
        "event_reach_days": 14,
        "hierarchy": [["store_id", "dept_id"], ["item_id"], ["store_id"]],
        "hierarchy_windows": [7, 28],
        "known_future": ["school"],
        "past_only": ["customers"],
        "chunk_series": 4096,
    }
    switches = dict.fromkeys(["calendar", "price", "promo", "lifecycle", "static"], True)
    return FeatureParams(**params.features.model_dump() | small | switches)


@pytest.fixture(scope="session")
def train_params(params: Params) -> TrainParams:
    """Two blocks of tiny trees: a fit takes a blink."""
    tiny = {
        "horizon": 14,
        "season": 7,
        "strategy": "direct",
        "blocks": [7, 14],
        "objective": "tweedie",
        "rounds": 30,
        "learning_rate": 0.1,
        "leaves": 8,
        "min_rows_in_leaf": 10,
        "feature_fraction": 0.8,
        "row_fraction": 0.8,
        "max_bins": 63,
        "origin_step_days": 5,
        "min_history_days": 42,
        "max_rows": 20_000,
        "seed": 11,
        "threads": 1,
    }
    written = params.train.model_dump()
    tiny["groups"] = written["groups"] | {"columns": None}  # off: it has tests of its own
    return TrainParams(**written | tiny)


@pytest.fixture(scope="session")
def inference_params(params: Params) -> InferenceParams:
    """A ceiling of 20 times the highest day; group means over 28 days."""
    return InferenceParams(
        **params.inference.model_dump() | {"explosion_factor": 20.0, "fallback_days": 28}
    )


@pytest.fixture(scope="session")
def gate_params(params: Params) -> GateParams:
    """95% sure, bias within 8%, coverage within 8 points."""
    small = {
        "confidence": 0.95,
        "min_gain": 0.0,
        "max_abs_bias": 0.08,
        "max_coverage_gap": 0.08,
    }
    return GateParams(**params.evaluate.gate.model_dump() | small)


@pytest.fixture(scope="session")
def evaluate_params(params: Params, gate_params: GateParams) -> EvaluateParams:
    """Three cutoffs two weeks apart."""
    small = {"origins": 3, "step_days": 14, "refit_every": 2, "calibration_bins": 4}
    return EvaluateParams(**params.evaluate.model_dump(exclude={"gate"}) | small, gate=gate_params)


@pytest.fixture(scope="session")
def sales_of() -> Callable[..., pl.DataFrame]:
    """`sales_of({"a": [1, 0, None]}, first)`: a sales frame, one row a day; None leaves the row
    out, known a day later.
    """
    return _sales_of


@pytest.fixture(scope="session")
def make_panel() -> MakePanel:
    """`make_panel(series=8, days=120, seed=3)`: a random panel with gaps, launches, closed days,
    prices, covariates.
    """
    return _make_panel


def _sales_of(units: dict[str, list[float | None]], first: date = date(2024, 1, 1)) -> pl.DataFrame:
    rows = [
        (
            name,
            first + timedelta(days=k),
            float(y),
            datetime.combine(first + timedelta(days=k + 1), time(5)),
        )
        for name, values in units.items()
        for k, y in enumerate(values)
        if y is not None
    ]
    schema = {"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64, "known_at": pl.Datetime("us")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _make_panel(
    series: int = 8,
    days: int = 120,
    seed: int = 3,
    first: date = date(2023, 1, 2),
    nasty: bool = True,
) -> Panel:
    """Two stores in two states, two departments, Poisson sales with a week. `nasty` adds gaps, late
    launches, closed days.
    """
    rng = np.random.default_rng(seed)
    known_at = datetime.combine(first, time())
    all_days = [first + timedelta(days=k) for k in range(days + 60)]
    frame = _series(series)
    level = rng.gamma(1.5, 2.0, series) + 0.3
    week = np.array([0.8, 0.7, 0.8, 1.0, 1.3, 1.6, 1.2])
    y = rng.poisson(level[:, None] * week[np.arange(days) % 7][None, :]).astype(float)
    closed = [all_days[k] for k in range(25, days + 30, 60)] if nasty else []
    shut = np.isin(np.arange(days), [(day - first).days for day in closed])
    y[:, shut] = 0
    is_late_store = (frame["store_id"] == "S2").to_numpy()
    is_there = _with_late_launches(y, is_late_store, rng) if nasty else np.ones(y.shape, dtype=bool)
    at_series, at_day = np.nonzero(is_there)
    sales = pl.DataFrame(
        {
            "unique_id": frame["unique_id"].gather(at_series),
            "ds": pl.Series(all_days).gather(at_day),
            "y": y[at_series, at_day],
            "known_at": [known_at + timedelta(days=int(k) + 1) for k in at_day],
            "is_open": ~shut[at_day],
        }
    )
    return panel_of(
        sales,
        frame,
        _calendar(all_days, closed, known_at),
        _prices(frame["unique_id"], first, days + 60, known_at, rng),
        _covariates(frame["unique_id"], all_days, known_at, rng),
        panel_hash=f"seed{seed}",
    )


def _with_late_launches(
    y: np.ndarray, is_late_store: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Whether each series and day has a row; before its launch nothing of a series is sold."""
    series, days = y.shape
    launch = np.where(rng.random(series) < 0.4, rng.integers(1, max(days - 40, 2), series), 0)
    y[np.arange(days)[None, :] < launch[:, None]] = 0
    is_there = rng.random(y.shape) > 0.06  # nothing sold, no row
    # days on which a store's feed never arrived
    is_there[np.ix_(is_late_store, rng.choice(days, 3, replace=False))] = False
    is_there[:, -1] = True
    return is_there


def _series(count: int) -> pl.DataFrame:
    item, store = np.arange(count) // 2, np.arange(count) % 2 + 1
    return pl.DataFrame(
        {
            "unique_id": [f"I{i:02d}_S{s}" for i, s in zip(item, store, strict=True)],
            "item_id": [f"I{i:02d}" for i in item],
            "dept_id": [f"D{i % 2}" for i in item],
            "store_id": [f"S{s}" for s in store],
            "state_id": [("AA", "BB")[s - 1] for s in store],
        }
    )


def _calendar(days: list[date], closed: list[date], known_at: datetime) -> pl.DataFrame:
    everywhere = [
        ("*", d, "feast" if k % 45 == 10 else None, d in closed, d.day == 1)
        for k, d in enumerate(days)
    ]
    local = [("AA", d, "fair", False, True) for k, d in enumerate(days) if k % 50 == 30]
    names = ["region", "ds", "event", "is_closed", "is_payday"]
    return pl.DataFrame(everywhere + local, schema=names, orient="row").with_columns(
        known_at=pl.lit(known_at), event_type=pl.lit(None, pl.String)
    )


def _prices(
    ids: pl.Series, first: date, days: int, known_at: datetime, rng: np.random.Generator
) -> pl.DataFrame:
    """A price a week; the odd week has none, the odd one is a promotion."""
    rows = []
    for name in ids:
        base = 2 + 3 * rng.random()
        for start in range(0, days, 7):
            if rng.random() < 0.05:
                continue
            promo = float(rng.random() < 0.15)
            price = round(base * (0.7 if promo else 1.0) * rng.choice([1.0, 1.05]), 2)
            rows.append(
                (
                    name,
                    first + timedelta(days=start),
                    first + timedelta(days=start + 6),
                    known_at,
                    price,
                    promo,
                )
            )
    return pl.DataFrame(
        rows, schema=["unique_id", "from_ds", "to_ds", "known_at", "price", "promo"], orient="row"
    )


def _covariates(
    ids: pl.Series, days: list[date], known_at: datetime, rng: np.random.Generator
) -> pl.DataFrame:
    parts = [
        pl.DataFrame(
            {
                "unique_id": [one] * len(days),
                "ds": days,
                "name": [name] * len(days),
                "value": values,
            }
        )
        for one in ids
        for name, values in (
            ("school", (rng.random(len(days)) < 0.2).astype(float)),
            ("customers", rng.integers(10, 90, len(days)).astype(float)),
        )
    ]
    return pl.concat(parts).with_columns(known_at=pl.lit(known_at))
