"""The rules of demand count the same cells wherever forecasts are scored: in a drill, live and in
the backtest. Whoever scored by other rules would praise or blame the same table otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.demand import demand_rules
from contract.frames import FORECASTS
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import QUANTILES
from drills.scenario import Scenario, level_scores
from forecasting.actuals import with_actuals
from forecasting.scoring import score_backtest
from forecasting.seasonal_naive import baseline_of
from forecasting.window import window_after

HORIZON = 14
MODEL = "some_model"


@dataclass(frozen=True)
class Scored:
    """Which cells (unique_id, ds) counted, and what the table scored on them."""

    cells: frozenset[tuple[object, ...]]
    wape: float
    bias: float


@pytest.fixture
def params(params: Params) -> Params:
    """Absent rows are unknown, days sold out for more than a quarter are not demand."""
    return with_rules(params, absent_means_zero=False, max_stockout_share=0.25)


def with_rules(params: Params, absent_means_zero: bool, max_stockout_share: float) -> Params:
    ingest = params.ingest.model_copy(update={"absent_means_zero": absent_means_zero})
    features = params.features.model_copy(update={"max_stockout_share": max_stockout_share})
    source = params.source.model_copy(update={"levels": ((), ("store_id",))})
    return params.model_copy(update={"ingest": ingest, "features": features, "source": source})


@pytest.fixture
def panel(make_panel) -> Panel:
    """A tenth of the rows is absent, a fifth of the others sold out for half of the day."""
    whole = make_panel(series=12, days=120, seed=6)
    rng = np.random.default_rng(6)
    rows = whole.sales.filter(pl.Series(rng.random(whole.sales.height) > 0.1))
    share = pl.Series(np.where(rng.random(rows.height) < 0.2, 0.5, 0.1))
    return replace(whole, sales=rows.with_columns(stockout_share=share))


@pytest.fixture
def forecasts(panel: Panel) -> pl.DataFrame:
    """A table of every series and day after the origin, a little too high, as FORECASTS."""
    rng = np.random.default_rng(1)
    origin = panel.last_day - timedelta(days=HORIZON)
    grid = panel.series.select("unique_id").join(
        pl.DataFrame({"h": range(1, HORIZON + 1)}), how="cross"
    )
    y_hat = pl.Series(rng.gamma(3.0, 1.2, grid.height))
    rows = grid.with_columns(
        run_id=pl.lit("r"), origin=pl.lit(origin), method=pl.lit(MODEL), y_hat=y_hat,
        ds=pl.lit(origin) + pl.duration(days=pl.col("h")),
        **dict.fromkeys(QUANTILES, y_hat),
    )  # fmt: skip
    return FORECASTS.conform(rows)


def scored_by_a_drill(panel: Panel, forecasts: pl.DataFrame, params: Params) -> Scored:
    origin = forecasts["origin"][0]
    baseline = baseline_of(params)
    scenario = Scenario(panel, origin, HORIZON, Path("nowhere"), baseline.fit, baseline, params)
    scores = level_scores(scenario, forecasts)[-1]
    cells = cells_of(panel, forecasts, scenario.window.is_known)
    return Scored(cells, scores["wape"], scores["bias"])


def scored_live(panel: Panel, forecasts: pl.DataFrame, params: Params) -> Scored:
    actuals = with_actuals(forecasts, panel, demand_rules(params))
    units = actuals["y"].sum()
    cells = frozenset(actuals.select("unique_id", "ds").iter_rows())
    return Scored(cells, actuals["error"].abs().sum() / units, actuals["error"].sum() / units)


def scored_by_the_backtest(panel: Panel, forecasts: pl.DataFrame, params: Params) -> Scored:
    rules, levels = demand_rules(params), params.source.hierarchy
    backtest = forecasts.select("unique_id", "ds", "h", cutoff="origin", some_model="y_hat")
    scores, _ = score_backtest(panel, backtest, [MODEL], levels, 4, rules)
    own = scores.filter(level=SERIES_LEVEL, slice="all")
    wape, bias = (own.filter(metric=name)["value"].item() for name in ("wape", "bias"))
    window = window_after(panel, forecasts["origin"][0], HORIZON, levels, rules)
    return Scored(cells_of(panel, forecasts, window.is_known), wape, bias)


def cells_of(panel: Panel, forecasts: pl.DataFrame, is_known: np.ndarray) -> frozenset:
    """The known cells of a (series, horizon) table."""
    origin, names = forecasts["origin"][0], panel.series["unique_id"]
    at_series, at_day = np.nonzero(is_known)
    days = (origin + timedelta(days=int(day) + 1) for day in at_day)
    return frozenset(zip(names.gather(at_series), days, strict=True))


SCORERS = {
    "drill": scored_by_a_drill,
    "live": scored_live,
    "backtest": scored_by_the_backtest,
}


def disagreements(scored: list[Scored]) -> list[str]:
    """What the scorers do not agree on; empty where all counted and scored the same."""
    first, *others = scored
    names = []
    if any(other.cells != first.cells for other in others):
        names.append("cells")
    for name in ("wape", "bias"):
        values = [getattr(one, name) for one in scored]
        if values != pytest.approx([values[0]] * len(values), rel=1e-9):
            names.append(name)
    return names


def test_a_drill_a_live_replay_and_the_backtest_count_and_score_the_same(
    panel: Panel, forecasts: pl.DataFrame, params: Params
) -> None:
    scored = [score(panel, forecasts, params) for score in SCORERS.values()]
    assert disagreements(scored) == []
    counted, every = len(scored[0].cells), panel.series.height * HORIZON
    assert 0.5 * every < counted < 0.85 * every  # both rules left something out


def test_absent_and_sold_out_days_are_what_is_left_out(
    panel: Panel, forecasts: pl.DataFrame, params: Params
) -> None:
    after = panel.sales.filter(pl.col("ds") > forecasts["origin"][0])
    sold = after.filter(pl.col("is_open").fill_null(True))
    counted = sold.filter(pl.col("stockout_share") <= 0.25).select("unique_id", "ds")
    assert scored_live(panel, forecasts, params).cells == frozenset(counted.iter_rows())


@pytest.mark.parametrize("other", SCORERS)
@pytest.mark.parametrize(
    ("absent_means_zero", "max_stockout_share"),
    [(True, 0.25), (False, 1.0), (True, 1.0)],
    ids=["absent is zero", "sold out counts", "both"],
)
def test_one_that_goes_by_other_rules_is_seen(
    panel: Panel,
    forecasts: pl.DataFrame,
    params: Params,
    other: str,
    absent_means_zero: bool,
    max_stockout_share: float,
) -> None:
    loose = with_rules(params, absent_means_zero, max_stockout_share)
    scored = [
        score(panel, forecasts, loose if name == other else params)
        for name, score in SCORERS.items()
    ]
    assert disagreements(scored) == ["cells", "wape", "bias"]
