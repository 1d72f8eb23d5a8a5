"""The rules of demand: which days of a series count, the same for whoever learns, falls back,
scores or watches.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.params import Params


@dataclass(frozen=True)
class DemandRules:
    """What an absent row means, how much of a day may be sold out for it to count, and whose
    calendar closes a store.

    `absent_means_zero`: a series without a row sold nothing if its store's feed arrived; else it is
    unknown. `max_stockout_share` (0 to 1): a day sold out for a larger share of its hours is not
    demand: neither learned nor scored.
    `region`: the series' column that names its calendar region; None where one calendar holds for
    all.
    """

    absent_means_zero: bool
    max_stockout_share: float
    region: str | None


def demand_rules(params: Params) -> DemandRules:
    """The rules that these params state."""
    return DemandRules(
        params.ingest.absent_means_zero, params.features.max_stockout_share, params.source.region
    )
