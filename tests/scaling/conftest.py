"""A chain of six stores with all that crosses them, a small model fitted on it, and its parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.panel import Panel, panel_of
from contract.params import FeatureParams, Params, TrainParams
from contract.question import NEWEST, Question
from features.dense_panel import feature_recipe_of
from forecasting.champion import Champion
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration, LevelSpans, Ratios
from forecasting.part_table import ROWS, SPANS, PartTable, sums_of_levels
from forecasting.publication import serving_of
from forecasting.table import ForecastTable, forecast_table, table_work
from scaling.engines import Engine, Here
from scaling.parts import Parts, most_parts, part_of_series, write_parts
from scaling.run import run_parts

HERE = Here()
WITHIN = 1e-12
KEYS = ("level", "key", "group_key", "unique_id", "ds", "from_h", "to_h")
FIRST, DAYS, HORIZON = date(2023, 1, 2), 150, 14
STORES, ITEMS = 6, 8
WEEK = np.array([0.7, 0.8, 0.9, 1.0, 1.3, 1.6, 0.7])


@pytest.fixture(scope="session")
def chain() -> Panel:
    """Six stores in three states, eight items: prices and promotions, a late store, one that keeps
    days of its own, an announced item and some that were, one at rest in three of them; shut days
    not stated.
    """
    rng = np.random.default_rng(5)
    series = pl.DataFrame(
        [
            {
                "unique_id": f"I{item}_S{store}",
                "item_id": f"I{item}",
                "dept_id": f"D{item % 3}",
                "cat_id": f"C{item % 2}",
                "store_id": f"S{store}",
                "state_id": f"T{store % 3}",
            }
            for store in range(STORES)
            for item in range(ITEMS)
        ]
    ).sort("unique_id")
    days = [FIRST + timedelta(days=k) for k in range(DAYS + 60)]
    known = [datetime.combine(day, datetime.min.time()) + timedelta(days=1) for day in days]
    sales, prices = [], []
    for row in series.iter_rows(named=True):
        item, store = int(row["item_id"][1:]), int(row["store_id"][1:])
        level, price = rng.gamma(2.0, 2.0) + 0.3, round(2 + 0.31 * item + 0.05 * store, 2)
        launch = {7: DAYS + 2, 6: DAYS - 60}.get(item, 0)
        prices += [
            (row["unique_id"], days[first], days[min(first + 9, len(days) - 1)], price, promo)
            for first in range(launch - launch % 10, len(days), 10)
            for promo in [float(rng.random() < 0.2)]
        ]
        for k in range(launch, DAYS):
            off = store == 5 and k % 9 == 4
            late = store == 4 and k >= DAYS - 3
            shut = store == 3 and k in (70, 71, 72)
            if off or late or rng.random() < 0.02:
                continue
            rests = item == 5 and store < 3 and k >= 40 + 20 * store
            y = 0.0 if shut or rests else float(rng.poisson(level * WEEK[k % 7]))
            sales.append((row["unique_id"], days[k], y, known[k]))
    frames = {
        "sales": pl.DataFrame(sales, ["unique_id", "ds", "y", "known_at"], orient="row"),
        "prices": pl.DataFrame(
            prices, ["unique_id", "from_ds", "to_ds", "price", "promo"], orient="row"
        ).with_columns(known_at=pl.lit(known[0])),
    }
    calendar = pl.DataFrame(
        [
            ("*", days[30], "Feast", False),
            ("T1", days[60], "Local", False),
            ("*", days[DAYS + 5], "Feast", True),
        ],
        ["region", "ds", "event", "is_closed"],
        orient="row",
    ).with_columns(known_at=pl.lit(known[0]))
    return panel_of(frames["sales"], series, calendar, frames["prices"], panel_hash="chain")


@pytest.fixture(scope="session")
def small(params: Params, feature_params: FeatureParams, train_params: TrainParams) -> Params:
    """Every family of features, tiny trees, the group step on."""
    few = {"known_future": [], "past_only": [], "hierarchy": [["store_id", "dept_id"], ["item_id"]]}
    groups = train_params.groups.model_copy(update={"columns": ["store_id", "dept_id"]})
    source = params.source.model_copy(update={"region": "state_id"})
    return params.model_copy(
        update={
            "source": source,
            "features": feature_params.model_copy(update=few),
            "train": train_params.model_copy(update={"groups": groups}),
        }
    )


@pytest.fixture(scope="session")
def champion_of() -> Callable[[Params, Panel], Champion]:
    """`champion_of(params, panel)`: a model fitted on the whole panel, with any ratios."""

    def fitted(params: Params, panel: Panel) -> Champion:
        whole = panel.with_shut_days()
        model = GlobalLightGBM(params.train, feature_recipe_of(params, whole)).fit(whole)
        ratios = Ratios([0.1, 1.0, 10.0], [[k / 9 for k in range(9)]] * 3, [0.0] * 9)
        levels = {level.name: [ratios] for level in params.source.hierarchy}
        spans = {name: LevelSpans({7: ratios, 14: ratios}, 0.1) for name in levels}
        calibration = Calibration(levels, spans)
        names = (model.name, "seasonal_naive")
        return Champion(model, "model", dict.fromkeys(names, calibration))

    return fitted


def _parts_of(panel: Panel, folder: Path, count: int) -> Parts:
    """The panel's files in so many parts."""
    count = min(count, most_parts(panel.series))
    parts = part_of_series(panel.series, {}, count)
    panels = (
        panel.only(parts.filter(part=number)["unique_id"])
        for number in sorted(parts["part"].unique())
    )
    return write_parts(folder, panels, panel.series)


def _in_parts(
    params: Params, champion: Champion, parts: Parts, question: Question, engine: Engine
) -> ForecastTable:
    """The table of parts, put together as one."""
    work = table_work(params, parts.outline(), serving_of(params, champion), question)
    added = run_parts(PartTable(work), "table", parts, engine)
    levels, of_levels = work.of_levels(sums_of_levels(added))
    folders = parts.all_results("table")
    rows = pl.concat([pl.read_parquet(folder / ROWS) for folder in folders])
    spans = pl.concat([pl.read_parquet(folder / SPANS) for folder in folders])
    return ForecastTable(
        rows.sort("unique_id", "ds"),
        levels,
        work.lineage,
        tuple(work.left_out),
        pl.concat([spans.sort("key", "from_h", "to_h"), of_levels]),
    )


@pytest.fixture(scope="session")
def parts_of() -> Callable[[Panel, Path, int], Parts]:
    """`parts_of(panel, folder, count)`: the panel's files in so many parts."""
    return _parts_of


@pytest.fixture(scope="session")
def in_parts() -> Callable[..., ForecastTable]:
    """`in_parts(params, champion, parts, question, engine)`: the table of parts, as one."""
    return _in_parts


@pytest.fixture(scope="session")
def assert_same() -> Callable[..., None]:
    """`assert_same(whole, parts)`: every column within 1e-12; `exact`: every bit of the rows."""

    def compared(whole: ForecastTable, parts: ForecastTable, exact: bool = False) -> None:
        assert parts.lineage == whole.lineage
        for name in ("rows", "levels", "spans"):
            ours, theirs = getattr(whole, name), getattr(parts, name)
            key = [column for column in ours.columns if column in KEYS]
            ours, theirs = ours.sort(key), theirs.sort(key)
            if exact and name == "rows":
                assert ours.equals(theirs)
            else:
                assert_frame_equal(ours, theirs, rel_tol=WITHIN, abs_tol=WITHIN)

    return compared


@pytest.fixture(scope="session")
def near() -> Callable[[Any, float], Any]:
    """`near(values, rel)`: what equals these values, numbers alike within so much of themselves,
    all else as it is.
    """
    return _near


def _near(values: Any, rel: float) -> Any:
    if isinstance(values, dict):
        return {name: _near(value, rel) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_near(value, rel) for value in values)
    if isinstance(values, float):
        return pytest.approx(values, rel=rel, abs=1e-9, nan_ok=True)
    return values


@pytest.fixture
def both(tmp_path, champion_of):
    """`both(params, panel, parts=3)`: the table of the whole panel and that of its parts."""

    def tables(
        params: Params,
        panel: Panel,
        parts: int = 3,
        question: Question = NEWEST,
        champion: Champion | None = None,
        engine: Engine = HERE,
    ) -> tuple[ForecastTable, ForecastTable]:
        served = champion or champion_of(params, panel)
        whole = forecast_table(params, panel.with_shut_days(), serving_of(params, served), question)
        files = _parts_of(panel, tmp_path / f"parts-{parts}", parts)
        return whole, _in_parts(params, served, files, question, engine)

    return tables
