"""The features that params declare, as one list: the only place that knows every family."""

from __future__ import annotations

import polars as pl

from contract.days import WEEK
from contract.params import FeatureParams
from features.calendar import calendar_features
from features.dense import PADDING_DAYS
from features.feature import FUTURE, Anchor, Feature, refuse_leaks
from features.hierarchy import LEVEL_DAYS, hierarchy_features, table_name
from features.price import LONGEST_WINDOW, price_features, promo_features
from features.sales import TABLE, sales_features


def declared_features(params: FeatureParams, horizon: int) -> list[Feature]:
    """Every declared feature, in the order of the frame's columns.

    LeakingFeature if one reads what is not known at its anchor.
    """
    features = sales_features(params)
    features += calendar_features() if params.calendar else []
    features += (
        price_features(table_name(params.hierarchy[0]) if params.hierarchy else None)
        if params.price
        else []
    )
    features += promo_features() if params.promo else []
    for columns in params.hierarchy:
        features += hierarchy_features(columns, params.hierarchy_windows)
    features += [_covariate(f"{FUTURE}{name}", "target") for name in params.known_future]
    features += [_covariate(f"past_{name}", "origin") for name in params.past_only]
    return refuse_leaks(features, horizon)


def look_back_days(params: FeatureParams) -> int:
    """How many days before its anchor the furthest feature reads."""
    weeks = max([4, *params.weekday_weeks])
    windows = [*params.windows, *params.year_windows, *params.hierarchy_windows, WEEK * weeks]
    return max([PADDING_DAYS, LEVEL_DAYS, LONGEST_WINDOW, *params.lags, *windows])


def _covariate(name: str, anchor: Anchor) -> Feature:
    return Feature(f"covariates_{name}", "covariates", TABLE, anchor, pl.col(name))
