"""A panel as features read it: dense tables of series, groups and regions over one day axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from contract.demand import DemandRules, demand_rules
from contract.feeds import FEED_COLUMN, feed_index, feed_names
from contract.panel import Panel
from contract.params import FeatureParams, Params
from contract.whole import Table, Whole, numbers_among
from features.calendar import calendar_table, event_vocabulary, regions_of
from features.declared import declared_features
from features.dense import Days, column, days_of, demand, locate, sold_before
from features.feature import FUTURE, Feature
from features.hierarchy import (
    Grouping,
    group_sums,
    grouping_by,
    sums_in_whole,
    table_name,
    table_of_sums,
)
from features.older_totals import GroupPast, group_past
from features.opening import closed_table
from features.plans import PRICE, PROMO, PlanTables, as_planned, stated_counts
from features.price import spread_over_days
from features.reach import plannable
from runtime.memory import piece_mb

MOST_CATEGORIES = 255  # a static column with more values (item ids) would be learned by heart


@dataclass(frozen=True)
class Vocabulary:
    """Frozen codes of all text: learned at training, kept in the card, not extended later."""

    events: dict[str, int]
    static: dict[str, list[str]]


@dataclass(frozen=True)
class GroupContext:
    """What the forecaster of groups reads beside their sums."""

    series: pl.DataFrame
    whole: Whole
    days: Days  # of the panel
    past: GroupPast  # how far back totals of groups reach
    past_calendar: pl.DataFrame  # calendar_table of every region over the days of that past
    events: dict[str, int]


@dataclass(frozen=True)
class DensePanel:
    """What `feature_frame` gathers from: (entity, day) tables, rows as in features.dense."""

    series: pl.DataFrame
    days: Days
    features: list[Feature]
    vocabulary: Vocabulary
    by_series: dict[str, np.ndarray]  # column -> (series, width) float32
    shared: dict[str, pl.DataFrame]  # table name -> dense frame of groups or regions
    groupings: dict[str, Grouping]  # of the hierarchy, by table name
    region_ix: np.ndarray  # for each series its row of `shared` regions
    # one row per series, codes as float32, null for a value unknown at training
    static: pl.DataFrame
    is_closed: np.ndarray  # (series, width)
    chunk_series: int
    plans: PlanTables  # price and promotion of by_series, and what of them was stated
    # column -> (days ahead,) share of all series of which it is unknown
    unknown_ahead: dict[str, np.ndarray]
    groups: GroupContext

    @property
    def y(self) -> np.ndarray:
        """Units sold, (series, width); NaN where it teaches nothing."""
        return self.by_series["y"]

    @property
    def entity_ix(self) -> dict[str, np.ndarray]:
        """By name of a shared table for each series its row of entities."""
        return {name: own.ix for name, own in self.groupings.items()} | {"region": self.region_ix}

    @property
    def whole(self) -> Whole:
        """What this panel is a part of."""
        return self.groups.whole

    @cached_property
    def numbers(self) -> np.ndarray:
        """(series,) the number of each series among those of all parts of the panel."""
        return numbers_among(self.whole, self.series)

    @property
    def last_known(self) -> int:
        """The day index of the last known day."""
        return self.days.known - 1

    def at(self, origin: date) -> int:
        """The day index of an origin."""
        return self.days.of(origin)


def vocabulary_of(panel: Panel) -> Vocabulary:
    """The codes of a panel's events and static columns, of all its parts."""
    series = panel.whole.series(panel.series)
    # as the card, sorted JSON, gives them back
    columns = sorted(name for name in series.columns if name != "unique_id")
    values = {name: sorted(series[name].drop_nulls().unique().to_list()) for name in columns}
    return Vocabulary(
        events=event_vocabulary(panel.calendar),
        static={name: codes for name, codes in values.items() if len(codes) <= MOST_CATEGORIES},
    )


def build_dense_panel(
    panel: Panel,
    params: FeatureParams,
    horizon: int,
    vocabulary: Vocabulary,
    rules: DemandRules,
) -> DensePanel:
    """The dense panel of a panel that was cut at the last known day: `panel.up_to(cutoff)`."""
    days, features = days_of(panel, horizon), declared_features(params, horizon)
    closed = closed_table(panel, days, rules.region)
    by_series = _sales_tables(panel, days, rules, closed)
    plans = as_planned(_plan_tables(panel, params, days))
    by_series |= {PRICE: plans.price, PROMO: plans.promo} | _covariate_tables(panel, params, days)
    groupings = {
        table_name(columns): grouping_by(panel.series, columns) for columns in params.hierarchy
    }
    own_regions, region_ix = regions_of(panel.series, rules.region)
    whole = _of_whole(panel, groupings, by_series, pl.Series(own_regions), days.after(days.ahead))
    region_ix = whole.regions.search_sorted(pl.Series(own_regions)).to_numpy()[region_ix]
    groups = _group_context(panel, params, days, whole.regions, vocabulary)
    shared = whole.shared
    shared["region"] = groups.past_calendar
    if groups.past.older_than(days):
        shared["region"] = _calendar(panel, params, days, whole.regions, vocabulary)
    return DensePanel(
        series=panel.series,
        days=days,
        features=features,
        vocabulary=vocabulary,
        by_series=by_series,
        shared=shared,
        groupings=groupings,
        region_ix=region_ix,
        static=_static_codes(panel.series, vocabulary) if params.static else pl.DataFrame(),
        is_closed=closed,
        chunk_series=min(params.chunk_series, series_in_a_piece(days.width, features)),
        plans=plans,
        unknown_ahead=whole.unknown_ahead,
        groups=groups,
    )


def _group_context(
    panel: Panel, params: FeatureParams, days: Days, regions: pl.Series, vocabulary: Vocabulary
) -> GroupContext:
    past = group_past(panel, days)
    calendar = _calendar(panel, params, past.days, regions, vocabulary)
    return GroupContext(panel.series, panel.whole, days, past, calendar, vocabulary.events)


def _calendar(
    panel: Panel, params: FeatureParams, days: Days, regions: pl.Series, vocabulary: Vocabulary
) -> pl.DataFrame:
    dated = replace(panel, calendar=panel.calendar.clear()) if params.calendar == "dates" else panel
    reach, codes = params.event_reach_days, vocabulary.events
    return calendar_table(dated, days, regions.to_list(), reach, codes)


@dataclass(frozen=True)
class _OfWhole:
    """What features read of all parts of a panel together."""

    shared: dict[str, pl.DataFrame]  # groupings by their table name
    regions: pl.Series
    unknown_ahead: dict[str, np.ndarray]


def _of_whole(
    panel: Panel,
    groupings: dict[str, Grouping],
    by_series: dict[str, np.ndarray],
    regions: pl.Series,
    ahead: slice,
) -> _OfWhole:
    """The tables of groups, the regions, and what of plans is unknown."""
    whole = panel.whole
    own = {name: group_sums(by_series, grouping.ix) for name, grouping in groupings.items()}
    sums = whole.attempt(lambda: sums_in_whole(whole, _name(panel, "groups"), groupings, own))
    beside = {"regions": Table(regions, {}), "unknown ahead": _unknown_ahead(by_series, ahead)}
    totals = whole.totals({_name(panel, name): of for name, of in beside.items()})
    shared = {name: table_of_sums(of) for name, of in sums().items()}
    unknown = totals[_name(panel, "unknown ahead")]
    shares = unknown.values["unknown"] / np.maximum(unknown.values["series"], 1)[:, None]
    of_plans = dict(zip(unknown.keys, shares, strict=True))
    return _OfWhole(shared, totals[_name(panel, "regions")].keys, of_plans)


def _unknown_ahead(by_series: dict[str, np.ndarray], ahead: slice) -> Table:
    """By column (columns, days ahead) how many series it is unknown of, and how many there are."""
    names = sorted(by_series)
    unknown = [np.isnan(by_series[name][:, ahead]).sum(axis=0) for name in names]
    series = [len(by_series[name]) for name in names]
    return Table(pl.Series(names), {"unknown": np.array(unknown), "series": np.array(series)})


def _name(panel: Panel, name: str) -> str:
    """A total's name: a forecast may build several panels, each of another last day."""
    return f"features {panel.last_day} {name}"


@dataclass(frozen=True)
class FeatureRecipe:
    """How a panel becomes features: the params that must be the same in training and in serving."""

    features: FeatureParams
    rules: DemandRules
    # plans the panel knows of the past alone: not read, and worth saying
    left_out: tuple[str, ...] = ()

    def dense_panel(self, panel: Panel, horizon: int, vocabulary: Vocabulary) -> DensePanel:
        """The panel's dense tables, for features up to `horizon` days after its last day."""
        return build_dense_panel(panel, self.features, horizon, vocabulary, self.rules)

    def group_context(self, panel: Panel, horizon: int, vocabulary: Vocabulary) -> GroupContext:
        """What the dense panel of the same panel has as `groups`, without building it."""
        regions, _ = regions_of(panel.series, self.rules.region)
        own = {_name(panel, "regions"): Table(pl.Series(regions), {})}
        [total] = panel.whole.totals(own).values()
        days = days_of(panel, horizon)
        return _group_context(panel, self.features, days, total.keys, vocabulary)


def feature_recipe_of(params: Params, panel: Panel) -> FeatureRecipe:
    """How these params read a panel; without the plans that end with its sales."""
    features, left_out = plannable(params.features, panel, params.train.horizon)
    return FeatureRecipe(features, demand_rules(params), tuple(left_out))


def series_table(dense: DensePanel, first: int, last: int) -> pl.DataFrame:
    """The dense Polars table of series first..last-1."""
    width = dense.days.width
    columns = {name: column(table[first:last]) for name, table in dense.by_series.items()}
    day_ix = np.tile(
        np.arange(-dense.days.padding, width - dense.days.padding, dtype=np.float32), last - first
    )
    return pl.DataFrame({**columns, "day_ix": day_ix})


def series_in_a_piece(values: int, features: list[Feature]) -> int:
    """How many series fit a piece of work, with `values` float32 a series and part of a feature."""
    columns = sum(len(feature.parts) for feature in features)
    return max(1, int(piece_mb() * 2**20 / (values * columns * 4)))


def _sales_tables(
    panel: Panel, days: Days, rules: DemandRules, closed: np.ndarray
) -> dict[str, np.ndarray]:
    y = demand(panel, days, rules)
    y[closed] = np.nan
    day_ix = np.arange(-days.padding, days.width - days.padding, dtype=np.float32)
    first_before, last_before = sold_before(panel, days)
    sold_on = np.where(y > 0, day_ix, np.float32(np.nan))
    last_sale = np.fmax(np.fmax.accumulate(sold_on, axis=1), last_before[:, None])
    launch = np.fmin(np.fmin.reduce(sold_on, axis=1), first_before)[:, None]
    return {"y": y, "last_sale_ix": last_sale, "launch_ix": np.broadcast_to(launch, y.shape)}


def _plan_tables(panel: Panel, params: FeatureParams, days: Days) -> PlanTables:
    """Price and promotion as the panel states them; a family that is off says nothing."""
    feed_ix = feed_index(panel.series)
    price, promo = (
        spread_over_days(panel, days, name) if is_on else days.blank(panel.series.height)
        for name, is_on in ((PRICE, params.price), (PROMO, params.promo))
    )
    counts = {PRICE: stated_counts(price, feed_ix), PROMO: stated_counts(promo, feed_ix)}
    counts["series"] = np.bincount(feed_ix)
    if FEED_COLUMN not in panel.series.columns:  # one feed for all parts
        name, of_feed = _name(panel, "plans"), Table(feed_names(panel.series), counts)
        counts = dict(panel.whole.totals({name: of_feed})[name].values)
    feed_series = counts.pop("series")
    is_promo_stated = ~np.isnan(promo)
    np.nan_to_num(promo, copy=False)
    origin = days.padding + days.known - 1
    return PlanTables(price, promo, is_promo_stated, counts, feed_ix, feed_series, origin)


def _covariate_tables(panel: Panel, params: FeatureParams, days: Days) -> dict[str, np.ndarray]:
    columns = {f"{FUTURE}{name}": name for name in params.known_future} | {
        f"past_{name}": name for name in params.past_only
    }
    tables = {}
    for column_name, name in columns.items():
        located = locate(panel.covariates.filter(pl.col("name") == name), panel.series, days)
        tables[column_name] = days.scatter(located, panel.series.height, "value")
    return tables


def _static_codes(series: pl.DataFrame, vocabulary: Vocabulary) -> pl.DataFrame:
    def coded(name: str, values: list[str]) -> pl.Expr:
        codes = {value: float(code) for code, value in enumerate(values)}
        value = pl.col(name) if name in series.columns else pl.lit(None, dtype=pl.String)
        return value.replace_strict(codes, default=None, return_dtype=pl.Float32).alias(
            f"static_{name}"
        )

    return series.select([coded(name, values) for name, values in vocabulary.static.items()])
