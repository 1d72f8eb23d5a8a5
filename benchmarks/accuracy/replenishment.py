"""What orders by our quantiles cost, beside those by the formulas of others, day by day.

From the last `--days` days of a panel: fitted before them, forecast anew from every order day, the
quantiles learned on the windows that had closed before. Sales are taken for what was wanted.

ours            the proposals of `ordering`, on quantiles of spans
days summed     the same targets from daily quantiles, added up
mean + z sigma  the ERPs' formula: our mean, z times the spread of eight weeks times sqrt(days)
naive + z sigma the same from the seasonal naive
history         the same from the mean of eight weeks: no forecast at all
AutoETS         mean and normal interval of statsforecast, days independent (a sample of series)
foresight       what will be wanted, exactly

A unit short costs `service`, a unit left over 1 - service: thrown away, or held from one order to
the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import polars as pl

from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import backtested, window_of
from benchmarks.harness.registry import Benchmark, Context, Option, Result
from benchmarks.render.markdown import markdown_table
from contract.demand import demand_rules
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import quantiles_at
from features.dense import Days, units_sold
from forecasting.contenders import CANDIDATE, contenders
from forecasting.dispersion import dispersion_at_end
from forecasting.forecaster import BASELINE
from forecasting.intervals import Calibration
from forecasting.pairs import calibrate, pairs_of
from forecasting.slices import FAST_UNITS
from forecasting.span_learning import with_spans
from forecasting.spans import Spans, span_quantiles
from ordering.demand import Demand
from ordering.proposal import Wanted, propose
from ordering.simulation import Played, Policy, Terms, simulate

HORIZON, LEARNED_FROM, PAST_DAYS = 28, 4, 56
KEPT_SERVICE = 0.95  # of the next cover, where it is the life that limits an order
# lead, review, life, service
CASES = (
    (Terms(2, 7), 0.95),
    (Terms(2, 7), 0.835),
    (Terms(7, 7), 0.975),
    (Terms(1, 3), 0.95),
    (Terms(1, 1, 2), 0.835),
    (Terms(0, 1, 1), 0.75),
)


@dataclass(frozen=True)
class _Origin:
    """What is known on one order day: (series, HORIZON) means of ours and the naive; each series'
    dispersion; mean and standard deviation of its last days.
    """

    means: np.ndarray
    naive: np.ndarray
    dispersion: np.ndarray
    past_mean: np.ndarray
    past_sd: np.ndarray
    ets: np.ndarray | None = None  # (series, HORIZON)
    ets_sd: np.ndarray | None = None


@dataclass(frozen=True)
class _World:
    """The demand of the days played, what is known from each order day, what was learned before."""

    demand: np.ndarray
    origins: dict[int, _Origin]
    calibration: Calibration


def measure(context: Context) -> Result:
    """By case and policy: service, fill rate, stock, waste and cost."""
    params = params_for(context.source)
    rows = list(_played(context, params))
    sample = context.options.autoets
    name = f"{context.source}, {sample} series" if sample else context.source
    return context.before() | {name: {"on": str(date.today()), "rows": rows}}


def _played(context: Context, params: Params) -> Iterator[Result]:
    options = context.options
    cases = [case for case in CASES if case[0].review_days % options.every == 0]
    world = _world(context.panel, params, options.days, options.every, options.autoets)
    for terms, service in cases:
        start = _foresight(world, terms)(0, *(np.zeros(len(world.demand)),) * 2)
        start += world.demand[:, : terms.lead_days].sum(axis=1)
        for name, policy in _policies(world, terms, service).items():
            played = simulate(world.demand, policy, terms, start)
            yield {"case": _words(terms, service), "policy": name} | _judged(
                played.since(terms.lead_days), terms, service
            )


def _world(panel: Panel, params: Params, days: int, every: int, autoets: int) -> _World:
    last = panel.last_day - timedelta(days=days)
    sides = {name: contenders(params, panel, None)[name] for name in (BASELINE, CANDIDATE)}
    cutoffs = [last - timedelta(days=HORIZON * k) for k in range(LEARNED_FROM, 0, -1)]
    refit_every = params.evaluate.refit_every
    learned_on = backtested(params, panel, sides, cutoffs, HORIZON, refit_every)
    calibration = learned(panel, params, learned_on)
    model, naive = (sides[name].fit(panel.up_to(last)) for name in (CANDIDATE, BASELINE))
    rules = demand_rules(params)
    dense = Days(panel.first_day, (panel.last_day - panel.first_day).days + 1, 0, padding=0)
    sold = np.nan_to_num(units_sold(panel, dense, rules)).astype(np.float64)
    chosen = _chosen(sold.shape[0], autoets)
    origins = {}
    for day in range(0, days, every):
        known = panel.up_to(last + timedelta(days=day))
        past = sold[:, : sold.shape[1] - days + day][:, -PAST_DAYS:]
        origin = _Origin(
            series_matrix(model.forecast(known, known.last_day, HORIZON))[chosen],
            series_matrix(naive.forecast(known, known.last_day, HORIZON))[chosen],
            dispersion_at_end(known, rules)["dispersion"].fill_null(np.nan).to_numpy()[chosen],
            past.mean(axis=1)[chosen],
            past.std(axis=1, ddof=1)[chosen],
            *(_autoets(sold[chosen, : sold.shape[1] - days + day]) if autoets else ()),
        )
        origins[day] = origin
    return _World(sold[chosen, -days:], origins, calibration)


def _chosen(series: int, sample: int) -> np.ndarray:
    if not sample:
        return np.arange(series)
    return np.sort(np.random.default_rng(7).choice(series, min(sample, series), replace=False))


def learned(panel: Panel, params: Params, backtest: pl.DataFrame) -> Calibration:
    """What the windows before the days played teach, at the level of series."""
    pairs = []
    for (cutoff,), rows in backtest.group_by("cutoff", maintain_order=True):
        window = window_of(params, panel, cutoff, HORIZON)
        pairs.append(pairs_of(window, window.matrix(rows, CANDIDATE)))
    bins = params.evaluate.calibration_bins
    return with_spans(calibrate(pairs, bins), pairs, bins)


def series_matrix(rows: pl.DataFrame) -> np.ndarray:
    ordered = rows.sort("unique_id", "ds")["y_hat"].fill_null(0.0).to_numpy()
    return np.maximum(ordered.reshape(-1, HORIZON), 0.0)


def _autoets(sold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(series, HORIZON) means and standard deviations of statsforecast's AutoETS."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    days = sold.shape[1]
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(sold)), days),
            "ds": np.tile(np.arange(days), len(sold)),
            "y": sold.ravel(),
        }
    )
    engine = StatsForecast(models=[AutoETS(season_length=7)], freq=1, n_jobs=2)
    made = engine.forecast(df=frame, h=HORIZON, level=[67]).sort("unique_id", "ds")
    mean = made["AutoETS"].to_numpy().reshape(-1, HORIZON)
    high = made["AutoETS-hi-67"].to_numpy().reshape(-1, HORIZON)
    return np.maximum(mean, 0.0), (high - mean) / NormalDist().inv_cdf(0.835)


def _policies(world: _World, terms: Terms, service: float) -> dict[str, Policy]:
    z = NormalDist().inv_cdf(service)
    root = np.sqrt(_days_until(terms))

    def formula(mean: str, spread: str) -> Policy:
        def target(origin: _Origin) -> np.ndarray:
            means, sd = getattr(origin, mean), getattr(origin, spread)
            daily = means[:, None] if means.ndim == 1 else means[:, : _days_until(terms)]
            expected = daily.mean(axis=1) * _days_until(terms)
            if sd.ndim == 2:
                return expected + z * np.sqrt((sd[:, : _days_until(terms)] ** 2).sum(axis=1))
            return expected + z * sd * root

        return _up_to(world, target)

    policies = {
        "ours": _ours(world, terms, service),
        "days summed": _up_to(world, lambda o: _summed(world, o, terms, service)),
        "mean + z sigma": formula("means", "past_sd"),
        "naive + z sigma": formula("naive", "past_sd"),
        "history": formula("past_mean", "past_sd"),
        "foresight": _foresight(world, terms),
    }
    if world.origins[0].ets is not None:
        policies["AutoETS"] = formula("ets", "ets_sd")
    return policies


def _days_until(terms: Terms) -> int:
    """Days from an order to the end of what it must last for."""
    return terms.lead_days + min(terms.review_days, terms.life_days or terms.review_days)


def _up_to(world: _World, target) -> Policy:
    """Whole units up to a target over the days until the next delivery."""

    def policy(day: int, in_hand: np.ndarray, on_the_way: np.ndarray) -> np.ndarray:
        return np.maximum(np.ceil(target(world.origins[day]) - in_hand - on_the_way - 1e-9), 0.0)

    return policy


def _ours(world: _World, terms: Terms, service: float) -> Policy:
    """The proposals of `ordering`, with spans as production reads them."""

    def policy(day: int, in_hand: np.ndarray, on_the_way: np.ndarray) -> np.ndarray:
        origin = world.origins[day]
        known = origin.means, origin.dispersion
        return ours(world.calibration, *known, terms, service, in_hand, on_the_way)

    return policy


def ours(  # noqa: PLR0913, PLR0917 -- what an order is made of
    calibration: Calibration,
    means: np.ndarray,
    dispersion: np.ndarray,
    terms: Terms,
    service: float,
    in_hand: np.ndarray,
    on_the_way: np.ndarray,
) -> np.ndarray:
    """(series,) units that `ordering` proposes, in packs of one."""
    rows, last, lead = len(in_hand), _days_until(terms), terms.lead_days

    def demand(first: int, end: int) -> Demand:
        spans = Spans(np.arange(rows), np.full(rows, first), np.full(rows, end))
        quantiles = span_quantiles(calibration, SERIES_LEVEL, means, spans, dispersion)
        return Demand(quantiles, np.arange(rows), np.ones(rows), rows)

    alone = demand(lead + 1, last)
    life = demand(1, lead + (terms.life_days or 1))
    wanted = Wanted(demand(1, last), alone, demand(1, lead) if lead else alone, life)
    # sold before the next comes, what is left is lost: the whole order is the newsvendor's
    is_limited = terms.life_days is not None and terms.life_days > terms.review_days
    lines = pl.DataFrame(
        {
            "service": np.full(rows, KEPT_SERVICE if is_limited else service),
            "life_service": pl.Series([service if is_limited else None] * rows, dtype=pl.Float64),
            "position": in_hand + on_the_way,
            "in_hand": in_hand,
            "on_order": on_the_way,
            "arriving": on_the_way,
            "lasting": _lasting(terms, in_hand, on_the_way),
            "is_whole": np.full(rows, fill_value=True),
            "pack_size": np.ones(rows),
            "min_order": np.zeros(rows),
            "mean_alone": means[:, lead:last].sum(axis=1),
            "life_days": pl.Series([terms.life_days] * rows, dtype=pl.Int64),
            "days_before": np.full(rows, lead),
        }
    )
    return propose(lines, wanted).units


def _lasting(terms: Terms, in_hand: np.ndarray, on_the_way: np.ndarray) -> np.ndarray:
    """What is there or comes before the delivery, and can be sold on its day."""
    life = np.inf if terms.life_days is None else terms.life_days
    lead = terms.lead_days
    return np.where(life > lead + 1, in_hand, 0.0) + np.where(life > lead, on_the_way, 0.0)


def _summed(world: _World, origin: _Origin, terms: Terms, service: float) -> np.ndarray:
    days = _days_until(terms)
    means = origin.means[:, :days]
    h, own = np.tile(np.arange(1, days + 1), len(means)), np.repeat(origin.dispersion, days)
    quantiles = world.calibration.quantiles(SERIES_LEVEL, means.ravel(), h, own)
    of_days = quantiles_at(quantiles, np.full(len(quantiles), service))
    return of_days.reshape(-1, days).sum(axis=1)


def _foresight(world: _World, terms: Terms) -> Policy:
    def policy(day: int, in_hand: np.ndarray, on_the_way: np.ndarray) -> np.ndarray:
        wanted = world.demand[:, day : day + _days_until(terms)].sum(axis=1)
        return np.maximum(wanted - in_hand - on_the_way, 0.0)

    return policy


def _judged(played: Played, terms: Terms, service: float) -> Result:
    wanted = played.sold + played.lost
    held = played.in_hand.sum() / terms.review_days
    over = played.wasted.sum() if terms.life_days else held
    cost = service * played.lost.sum() + (1 - service) * over
    daily, reached = wanted.mean(axis=1), played.service(terms)
    return {
        "service": float(reached[daily > 0].mean()),
        "service_fast": float(reached[daily >= FAST_UNITS].mean()),
        "fill": float(played.sold.sum() / wanted.sum()),
        "days_of_stock": float(played.in_hand.mean() / wanted.mean()),
        "wasted": float(played.wasted.sum() / wanted.sum()),
        "cost": float(cost / wanted.sum()),
    }


def _words(terms: Terms, service: float) -> str:
    life = f", sold within {terms.life_days} d" if terms.life_days else ""
    return f"{service:.1%}: ordered every {terms.review_days} d, there in {terms.lead_days} d{life}"


def table(result: Result) -> str:
    """A row a case and policy."""
    numbers = ["service", "service, fast", "fill rate", "days of stock", "wasted", "cost"]
    head = ["data", "case", "policy", *numbers]
    rows = [
        [
            source,
            row["case"],
            row["policy"],
            *(f"{100 * row[name]:.1f}%" for name in ("service", "service_fast", "fill")),
            f"{row['days_of_stock']:.1f}",
            f"{100 * row['wasted']:.1f}%",
            f"{row['cost']:.4f}",
        ]
        for source, of_source in result.items()
        for row in of_source["rows"]
    ]
    return markdown_table(head, rows)


BENCHMARK = Benchmark(
    question="What do orders by our quantiles cost beside those by the formulas of others?",
    needs="a data folder after make repro; a quarter of an hour on M5",
    measure=measure,
    options=(
        Option("days", "days played, the panel's last", 84, int),
        Option("every", "days between forecasts; cases reviewed in between are left out", 1, int),
        Option("autoets", "play a sample of so many series, AutoETS among the policies", 0, int),
    ),
    table=table,
)
