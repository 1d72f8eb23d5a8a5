"""A feature: an expression on a dense table, and the day it may be read at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from contract.days import WEEK, YEAR
from contract.errors import LeakingFeature
from features.windows import Window

Anchor = Literal["origin", "weekday", "year", "origin_year", "target"]

# columns of dense tables that are known ahead of their day; covariates declared known-future join
# them by prefix
KNOWN_AHEAD = {"price", "promo", "day_ix"}
FUTURE = "future_"
KNOWN_AHEAD_PREFIXES = ("calendar_", FUTURE)


@dataclass(frozen=True)
class Feature:
    """One column of the feature frame.

    `expr` is evaluated on the dense table `table` (rows: entity x day, sorted, padding between
    entities, so a shift needs no group-by) and may look back only. With `window`, its values over
    that window are summed up. Read at the day the `anchor` names:

        origin       the last known day (+ `ahead` days; negative: before it)
        weekday      the last known day with the target's weekday
        year         the target's day 52 weeks ago (+ `ahead` days, for windows around it)
        origin_year  the origin's day 52 weeks ago (+ `ahead` days)
        target       the target day itself; only columns known ahead may be read there

    With `over`, the value is a ratio: this feature's value over the other's, each read at its own
    anchor; null over zero. `name` starts with its family, as in `params.yaml: features`.
    """

    name: str
    family: str
    table: str
    anchor: Anchor
    expr: pl.Expr
    ahead: int = 0
    window: Window | None = None
    over: Feature | None = None
    is_category: bool = False

    @property
    def is_plan_itself(self) -> bool:
        """Whether it is the value planned for the target day, and nothing made from it."""
        is_value = self.window is None and self.over is None and self.expr.meta.is_column()
        return self.anchor == "target" and is_value

    @property
    def parts(self) -> list[Feature]:
        """What must be read to know this feature: itself, and what it is divided by."""
        return [self] if self.over is None else [self, *self.over.parts]


def days_read(anchor: Anchor, ahead: int, origin: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The day index each row reads at this anchor; negative (before the panel) means null."""
    day: np.ndarray = origin if anchor in ("origin", "origin_year") else origin + h
    if anchor == "weekday":
        day = origin + h - WEEK * -(-h // WEEK)
    elif anchor in ("year", "origin_year"):
        day = day - YEAR
    day = day + ahead
    return day


def refuse_leaks(features: list[Feature], horizon: int) -> list[Feature]:
    """The features, if each reads only what is known at its anchor.

    LeakingFeature names the first that does not.
    """
    for feature in (part for whole in features for part in whole.parts):
        roots = set(feature.expr.meta.root_names())
        late = {
            root
            for root in roots
            if root not in KNOWN_AHEAD and not root.startswith(KNOWN_AHEAD_PREFIXES)
        }
        if feature.anchor == "target" and late:
            raise LeakingFeature(
                f"feature '{feature.name}' reads {sorted(late)} on the target day, which is not "
                "known at the origin. Anchor it at 'origin', 'weekday' or 'year', or declare the "
                "column known-future (source.files.known_future)."
            )
        if feature.anchor not in ("year", "origin_year") and feature.ahead > 0:
            raise LeakingFeature(
                f"feature '{feature.name}' reads {feature.ahead} days after its anchor "
                f"'{feature.anchor}', which may not be known. Count back from it (ahead <= 0)."
            )
        if feature.ahead > YEAR - horizon:
            raise LeakingFeature(
                f"feature '{feature.name}' reads {feature.ahead} days after the day a year ago, "
                f"past the origin of a {horizon}-day horizon. "
                f"Keep it at or under {YEAR - horizon}."
            )
    return features
