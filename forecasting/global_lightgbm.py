"""One gradient-boosted model over all series, a booster per block of days ahead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from contract.days import WEEK, YEAR
from contract.errors import FeaturesMissing, ModelBroken
from contract.panel import Panel
from contract.params import TrainParams
from contract.whole import Arrays, Whole, numbers_of_all
from features.declared import look_back_days
from features.dense_panel import (
    DensePanel,
    FeatureRecipe,
    GroupContext,
    Vocabulary,
    vocabulary_of,
)
from features.feature import Feature
from features.frame import Rows, feature_frames, feature_names
from features.older_totals import GROUP_DAYS
from features.opening import closed_ahead
from features.reach import plan_reach
from features.sampling import serving_rows
from forecasting.alignment import scaled_to_groups
from forecasting.at_rest import drawn_to_returns, rests_as_arrays, returns_of_whole
from forecasting.booster import fit_booster
from forecasting.fallback import FEATURES_MISSING
from forecasting.forecaster import days_late, forecast_grid, long_frame
from forecasting.group_totals import as_arrays, from_arrays, sums_of_groups
from forecasting.lesson import Lesson, lesson_of
from forecasting.window_average import towards_average

if TYPE_CHECKING:
    import lightgbm

    from forecasting.served_rows import ServedRows

# share of training rows: a plan unknown in fewer taught the trees nothing about being unknown, and
# they take it for a zero: a price of nothing
RARELY_UNKNOWN = 0.005
SELDOM_UNKNOWN = 0.05  # the same, where it is unknown on most rows to forecast
MOSTLY_UNKNOWN = 0.5  # share of rows to forecast
WHY_RECURSIVE_IN_ONE = "each pass of a recursive model reads the one before"
PLANS = ("price_level", "promo_today", "covariates_")


@dataclass
class GlobalLightGBM:
    """Fitted state: a booster per block, the vocabulary of codes, the columns they learned."""

    params: TrainParams
    feature_recipe: FeatureRecipe
    name: str = "global_lightgbm"
    boosters: dict[int, lightgbm.Booster] = field(default_factory=dict)  # by last day of the block
    vocabulary: Vocabulary | None = None
    columns: list[str] = field(default_factory=list)
    cutoff: date | None = None
    rows_used: dict[int, int] = field(default_factory=dict)
    # of each column, largest over blocks, in training
    unknown_shares: dict[str, float] = field(default_factory=dict)
    # days after the cutoff that each family of plans was known for when it was fitted
    plan_reach: dict[str, int] = field(default_factory=dict)
    served: ServedRows | None = None  # what some series are served with, for the watcher of parity

    @property
    def is_recursive(self) -> bool:
        """Whether a pass over some days reads the forecast of those before."""
        return self.params.strategy == "recursive"

    @property
    def blocks(self) -> dict[int, range]:
        """The days ahead of each booster; the recursive strategy has only the first block."""
        ends = self.params.blocks[:1] if self.is_recursive else self.params.blocks
        starts = [1, *(end + 1 for end in ends[:-1])]
        return {end: range(start, end + 1) for start, end in zip(starts, ends, strict=True)}

    def fit(self, panel: Panel) -> GlobalLightGBM:
        """Learn every block from the panel. NotEnoughHistory when no row can be made."""
        return self.learn(self.looked_at(panel).training_panel(panel))

    def looked_at(self, panel: Panel) -> GlobalLightGBM:
        """What a fit knows of a panel beside its rows: cutoff, codes, how far plans reach."""
        self.vocabulary = vocabulary_of(panel)
        self.cutoff = panel.last_day
        self.plan_reach = plan_reach(panel, self.params.horizon)
        return self

    def training_panel(self, panel: Panel) -> DensePanel:
        """The dense panel to learn from."""
        return self.feature_recipe.dense_panel(
            panel, self.params.blocks[-1], self.fitted_vocabulary
        )

    def learn(self, dense: DensePanel) -> GlobalLightGBM:
        """Learn every block from a dense panel: a search fits many times on one."""
        for end, hs in self.blocks.items():
            self.learn_block(end, self.lesson(dense, hs))
        return self

    def lesson(self, dense: DensePanel, hs: range, rows: Rows | None = None) -> Lesson:
        """What the block of these days ahead learns from, as lesson_of."""
        return lesson_of(dense, hs, self.params, self.plan_reach, rows)

    def learn_block(self, end: int, lesson: Lesson) -> lightgbm.Booster:
        """Learn one block; what is noted of its rows stands in the model's card."""
        self.columns, self.rows_used[end] = lesson.names, len(lesson.drawn)
        for name, share in lesson.unknown_shares().items():
            self.unknown_shares[name] = max(share, self.unknown_shares.get(name, 0.0))
        data = lesson.dataset(self.params)
        del lesson  # of the rows themselves none need stay
        self.boosters[end] = fit_booster(data, self.params)
        return self.boosters[end]

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast.

        When feeds are late the last known day is older than the origin and h counts from it.
        """
        panel = panel.up_to(origin)
        steps = horizon + days_late(panel, origin)
        days_per_pass = self.params.blocks[0] if self.is_recursive else steps
        known, passes = panel, []
        for done in range(0, steps, days_per_pass):
            passes.append(self.one_pass(known, min(days_per_pass, steps - done)))
            known = (
                with_forecast_as_sales(known, passes[-1], self.feature_recipe.rules.region)
                if done + days_per_pass < steps
                else known
            )
        grid = forecast_grid(panel.series["unique_id"], origin, horizon)
        rows = grid.join(pl.concat(passes), on=["unique_id", "ds"], how="left", validate="1:1")
        return _refuse_missing(rows, self.unknown_shares, panel.whole)

    @property
    def fitted_vocabulary(self) -> Vocabulary:
        """The codes it was fitted with. ModelBroken if it never was."""
        if self.vocabulary is None:
            raise _never_fitted()
        return self.vocabulary

    @property
    def fitted_up_to(self) -> date:
        """The last day it learned from. ModelBroken if it never did."""
        if self.cutoff is None:
            raise _never_fitted()
        return self.cutoff

    @property
    def days_back(self) -> int:
        """How many days up to the last known one a forecast reads; older ones stand in `before`."""
        features = self.feature_days_back
        return features if self.params.groups.columns is None else max(features, GROUP_DAYS)

    @property
    def feature_days_back(self) -> int:
        """As `days_back`, of the features alone, without the group step."""
        return YEAR + look_back_days(self.feature_recipe.features)

    def serving_panel(self, panel: Panel, steps: int) -> DensePanel:
        """The dense panel of the last days, for features up to `steps` days after them.

        ModelBroken if they are not the features the model was fitted on.
        """
        return self._dense_panel(self._tail_of(panel), steps)

    def _tail_of(self, panel: Panel) -> Panel:
        """The last days of a panel, those that a forecast reads."""
        first = panel.last_day - timedelta(days=self.days_back)
        return panel.since(first, self.feature_recipe.rules.max_stockout_share)

    def _dense_panel(self, tail: Panel, steps: int) -> DensePanel:
        dense = self.feature_recipe.dense_panel(
            tail, self._days_ahead(steps), self.fitted_vocabulary
        )
        if feature_names(dense) != self.columns:
            changed = sorted(set(feature_names(dense)) ^ set(self.columns))
            raise ModelBroken(
                f"the model was fitted on other features than params declare: {changed}. "
                "Train again."
            )
        return dense

    def _days_ahead(self, steps: int) -> int:
        """The days after the last known that a dense panel for `steps` of them has."""
        return max(steps, self.params.blocks[-1])

    def one_pass(self, panel: Panel, steps: int) -> pl.DataFrame:
        """unique_id, ds, y_hat, reason of the `steps` days after the panel's last."""
        tail = self._tail_of(panel)
        raw = panel.whole.kept(
            f"means {panel.last_day}",
            lambda: self.raw_means(self._dense_panel(tail, steps), steps),
        )
        context = self.feature_recipe.group_context(
            tail, self._days_ahead(steps), self.fitted_vocabulary
        )
        y_hat, is_missing = self.of_whole(context, raw)
        reason = pl.when(pl.Series(is_missing.ravel())).then(pl.lit(FEATURES_MISSING))
        rows = long_frame(panel.series["unique_id"], panel.last_day, y_hat)
        return rows.with_columns(reason=reason)

    def means(self, dense: DensePanel, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """(series, steps) means for the days after the last known one, and where features miss.

        NaN there, and for a series that never sold; 0 on closed days.
        """
        return self.of_whole(dense.groups, self.raw_means(dense, steps))

    def raw_means(self, dense: DensePanel, steps: int) -> Arrays:
        """What a part of a panel predicts by itself: (series, steps) y_hat, is_missing, is_closed,
        (series,) never_sold, (series, 1) recent mean, and what the steps after it read of the
        series (at_rest.rests_as_arrays, group_totals.as_arrays).
        """
        needed = self._needed(dense)
        parts = [
            self._predict(dense, end, hs, needed) for end, hs in self.blocks_covering(steps).items()
        ]
        y_hat, is_missing = (np.hstack(tables) for tables in zip(*parts, strict=True))
        is_closed = dense.is_closed[:, dense.days.after(steps)]
        never_sold = np.isnan(dense.by_series["launch_ix"][:, 0])
        raw = {
            "y_hat": towards_average(dense, y_hat, self.params.average_share),
            "is_missing": is_missing & ~is_closed & ~never_sold[:, None],
            "is_closed": is_closed,
            "never_sold": never_sold,
            "recent": recent_mean(dense),
        }
        if self.params.rest_days is not None:
            raw |= rests_as_arrays(dense)
        if self.params.groups.columns is not None:
            raw |= as_arrays(sums_of_groups(dense, self.params.groups.columns, steps))
        return raw

    def of_whole(self, context: GroupContext, raw: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """As `means`, of `raw_means`: series at rest, then groups."""
        y_hat, groups, is_missing = raw["y_hat"], self.params.groups, raw["is_missing"]
        if self.params.rest_days is not None:
            returns = returns_of_whole(context, raw)
            y_hat = drawn_to_returns(y_hat, returns, self.params.rest_days)
        y_hat[raw["is_closed"]], y_hat[raw["never_sold"]] = 0.0, 0.0
        if groups.columns is not None:
            # what a group sells is shared among those that sell
            y_hat = np.where(is_missing, raw["recent"], y_hat)
            y_hat = scaled_to_groups(context, from_arrays(raw, groups.columns), y_hat, groups)
        y_hat[raw["never_sold"]] = np.nan  # nothing to say,
        # but that a closed store sells nothing is known of every series
        y_hat[raw["is_closed"]] = 0.0
        y_hat[is_missing] = np.nan
        return y_hat, is_missing

    def blocks_covering(self, steps: int) -> dict[int, range]:
        """The blocks up to `steps` days ahead; the last one takes all days beyond its own."""
        last = max(self.blocks)
        covering = {
            end: range(hs.start, min(hs.stop, steps + 1))
            for end, hs in self.blocks.items()
            if hs.start <= steps
        }
        if steps > last:
            covering[last] = range(self.blocks[last].start, steps + 1)
        return covering

    def _predict(
        self, dense: DensePanel, end: int, hs: range, needed: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(series, len(hs)) means of one block, and where a plan is missing that it needs."""
        rows = serving_rows(dense, hs)
        y_hat, missing = [], []
        frames = feature_frames(dense, rows)
        for frame in self.served.passing(dense, rows, frames) if self.served else frames:
            y_hat.append(
                self.boosters[end].predict(frame.to_numpy(), num_threads=self.params.threads)
            )
            missing.append(_is_lacking(frame, needed))
        shape = dense.series.height, len(hs)
        means: np.ndarray = np.clip(np.concatenate(y_hat), 0, None)
        return means.reshape(shape), np.concatenate(missing).reshape(shape)

    def lacks_plans(self, dense: DensePanel, frame: pl.DataFrame) -> np.ndarray:
        """(rows,) of booleans: where a plan is unknown that training nearly always had.

        Plans are what stands for the target day itself: price, promotion, covariates known ahead.
        Yesterday's sales may be unknown because it was a holiday.
        """
        return _is_lacking(frame, self._needed(dense))

    def _needed(self, dense: DensePanel) -> list[str]:
        """The features of plans that a booster cannot do without, as it had them in training.

        A few series that left the range taught it nothing of a feed that died.
        """
        plans = [feature for feature in dense.features if feature.is_plan_itself]
        shares = {plan.name: self.unknown_shares.get(plan.name, 1.0) for plan in plans}
        unknown = {plan.name: self._unknown_ahead(dense, plan) for plan in plans}
        return [
            name
            for name, share in shares.items()
            if share < RARELY_UNKNOWN or (share < SELDOM_UNKNOWN and unknown[name] > MOSTLY_UNKNOWN)
        ]

    def _unknown_ahead(self, dense: DensePanel, plan: Feature) -> float:
        """The share of the days to forecast, of all series, on which a plan is unknown."""
        by_day = dense.unknown_ahead.get(plan.expr.meta.output_name())
        return 0.0 if by_day is None else float(by_day[: self.params.horizon].mean())


def _is_lacking(frame: pl.DataFrame, needed: list[str]) -> np.ndarray:
    is_lacking = np.zeros(frame.height, dtype=bool)
    for name in needed:
        is_lacking |= frame[name].is_null().to_numpy()
    return is_lacking


def recent_mean(dense: DensePanel) -> np.ndarray:
    """(series, 1) mean units of the last four weeks' known days; 0 where there is none."""
    end = dense.days.padding + dense.days.known
    recent = dense.y[:, max(end - 4 * WEEK, 0) : end]
    days = (~np.isnan(recent)).sum(axis=1, keepdims=True)
    mean: np.ndarray = np.nansum(recent, axis=1, keepdims=True) / np.maximum(days, 1)
    return mean


def _refuse_missing(
    rows: pl.DataFrame, unknown_shares: dict[str, float], whole: Whole
) -> pl.DataFrame:
    """The rows; FeaturesMissing where, in all parts, none of them has a forecast for want of
    plans.
    """
    is_missing, is_sold = rows["reason"] == FEATURES_MISSING, rows["y_hat"] > 0
    own = {"missing": float(is_missing.sum()), "sold": float(is_sold.sum())}
    count = numbers_of_all(whole, "features missing", own)
    if count["missing"] and not count["sold"]:
        known = [name for name, share in unknown_shares.items() if share < SELDOM_UNKNOWN]
        raise FeaturesMissing(
            "of every series and day a plan is unknown that was known in training, one of "
            f"{[name for name in known if name.startswith(PLANS)]}. Bring the missing feed "
            "(prices, covariates), or train without the family (params.yaml: features)."
        )
    return rows


def _never_fitted() -> ModelBroken:
    return ModelBroken("this forecaster was never fitted. Run train.py, or load a bundle.")


def with_forecast_as_sales(panel: Panel, forecast: pl.DataFrame, region: str | None) -> Panel:
    """The panel with the forecast of its next days, all series, as if it had sold so.

    A closed day stays one: a zero that sold nothing would end the habit of Sundays.
    """
    closed = closed_ahead(panel, panel.last_day, forecast["ds"].n_unique(), region)
    newest: datetime = panel.sales.select(pl.col("known_at").max()).item()
    known_at = newest + timedelta(days=1)
    assumed = forecast.with_columns(is_open=pl.Series(~closed.ravel())).filter(
        pl.col("y_hat").is_not_null()
    )
    sales = assumed.select(
        "unique_id", "ds", "is_open", y="y_hat", known_at=pl.lit(known_at).cast(pl.Datetime("us"))
    )
    return replace(
        panel, sales=pl.concat([panel.sales, sales], how="diagonal").sort("unique_id", "ds")
    )
