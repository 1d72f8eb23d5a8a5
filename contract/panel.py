"""The panel: everything known about the series at one moment; all that a forecaster sees."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from contract.days import earliest, latest
from contract.errors import BadUsage, NotEnoughHistory
from contract.frames import BEFORE, FACTS, SERIES, TOTALS
from contract.shut_days import stating_shut_days
from contract.whole import ALONE, Whole

UNPLACED = "unplaced"  # the group of series whose hierarchy column says nothing


@dataclass(frozen=True)
class Panel:
    """Frames as in contract.frames, each sorted by its key, latest versions only.

    `superseded` holds by fact name what those frames said earlier, with `superseded_at`; only
    `as_known_at` reads it. `names`: unique_id and columns as in contract.names, of the series that
    have any; no part of the hash.
    """

    sales: pl.DataFrame
    series: pl.DataFrame
    calendar: pl.DataFrame
    prices: pl.DataFrame
    covariates: pl.DataFrame
    superseded: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    hash: str = ""
    totals: pl.DataFrame = field(default_factory=TOTALS.empty)
    # empty for a panel that begins with the first sale
    before: pl.DataFrame = field(default_factory=BEFORE.empty)
    names: pl.DataFrame = field(default_factory=SERIES.empty)
    # of a part of a panel: ARRIVALS of the whole, and what else it takes from there
    arrivals: pl.DataFrame | None = None
    whole: Whole = ALONE

    @property
    def last_day(self) -> date:
        """The last day with any sales row; NotEnoughHistory for a panel without one."""
        days = self._days
        if days.is_empty():
            raise NotEnoughHistory(
                "the panel has no sales row up to here. "
                "Ingest sales, or choose a later cutoff or as-of."
            )
        return latest(days)

    @property
    def first_day(self) -> date:
        """The first day with any sales row."""
        return earliest(self._days) if len(self._days) else self.last_day

    @property
    def _days(self) -> pl.Series:
        """The days with any sales row, of the whole, each at least once."""
        return self.sales["ds"] if self.arrivals is None else self.arrivals["ds"]

    @property
    def daily(self) -> pl.DataFrame:
        """ds, units, sold (rows of more than zero): every day of the whole with a row, once or
        more.
        """
        if self.arrivals is None:
            return self.sales.select("ds", units="y", sold=pl.col("y") > 0)
        return self.arrivals.select("ds", "units", "sold")

    def fact(self, name: str) -> pl.DataFrame:
        """The frame of one of `FACTS`, by its name."""
        frame: pl.DataFrame = getattr(self, name)
        return frame

    def within(self, step: str) -> Panel:
        """The panel for one of several steps that ask for the same totals (Whole.within)."""
        return replace(self, whole=self.whole.within(step))

    def up_to(self, cutoff: date) -> Panel:
        """The panel without sales (totals, past-only facts) after the cutoff: the one place that
        cuts.

        Calendar, prices and covariates after the cutoff stay: plans are known ahead. Features
        decide by their anchor which covariates may be read after the origin (known-future) and
        which may not (past-only).
        """
        known = self._with_totals(pl.col("ds") <= cutoff)
        if len(self._days) and self.last_day <= cutoff:
            return known  # nothing to cut: no second copy of a long history
        sales = self.sales.filter(pl.col("ds") <= cutoff)
        return replace(known, sales=sales, arrivals=self._arrived(pl.col("ds") <= cutoff))

    def with_shut_days(self) -> Panel:
        """The panel as its readers get it: a store's day without a unit stated as closed, where
        such days usually sell (contract.shut_days).
        """
        shut = stating_shut_days(self.sales, self.series, self.calendar, self.arrivals)
        return replace(self, sales=shut)

    def since(self, first: date, most_sold_out: float) -> Panel:
        """The panel from a day on: earlier sales are in `before` alone, earlier totals and plans
        that had ended by then gone.

        `most_sold_out`: a day sold out for a larger share does not count as a first or last sale
        (features.max_stockout_share).
        """
        later = self._with_totals(pl.col("ds") >= first)
        if self._days.is_empty() or self.first_day >= first:
            return later
        earlier = sold_before(self.sales.lazy(), first, most_sold_out).collect()
        return replace(
            later,
            sales=self.sales.filter(pl.col("ds") >= first),
            prices=self.prices.filter(pl.col("to_ds") >= first),
            covariates=self.covariates.filter(pl.col("ds") >= first),
            before=_merged_before(self.before, earlier),
            arrivals=self._arrived(pl.col("ds") >= first),
        )

    def as_known_at(self, moment: datetime) -> Panel:
        """The panel exactly as it was known at `moment`: later facts gone, later corrections
        undone. Of series without a row by then those stay that a plan had announced, and that have
        none today either: of one that sold since nobody can say whether it had been announced.
        """
        facts: dict[str, Any] = {name: self._fact_as_known_at(name, moment) for name in FACTS}
        sold = facts["sales"].select("unique_id").unique()
        plans = pl.concat([facts[name].select("unique_id") for name in ("prices", "covariates")])
        planned = plans.unique().join(sold, on="unique_id", how="anti")
        since = self.sales.join(planned, on="unique_id", how="semi").select("unique_id")
        announced = planned.join(since.unique(), on="unique_id", how="anti")
        known_series = self.series.join(
            pl.concat([sold, announced]), on="unique_id", how="semi", maintain_order="left"
        )
        then = replace(
            self,
            **facts,
            series=known_series,
            superseded={},
            hash=f"{self.hash}@{moment.isoformat()}",
        )
        return then.with_shut_days()

    def only(self, unique_ids: pl.Series) -> Panel:
        """The panel of these series alone (calendar and totals untouched)."""
        keep = pl.DataFrame({"unique_id": unique_ids})

        def kept(frame: pl.DataFrame) -> pl.DataFrame:
            if "unique_id" not in frame.columns:
                return frame
            return frame.join(keep, on="unique_id", how="semi", maintain_order="left")

        names = ("sales", "series", "prices", "covariates", "before", "names")
        frames: dict[str, Any] = {name: kept(getattr(self, name)) for name in names}
        superseded = {name: kept(frame) for name, frame in self.superseded.items()}
        return replace(self, **frames, superseded=superseded)

    def matching(self, pattern: str) -> Panel:
        """The panel of the series whose unique_id fits a glob such as 'FOODS_3_*'; BadUsage when
        none does.
        """
        return self.only(pl.Series(names_fitting(self.series, pattern)))

    def _arrived(self, kept: pl.Expr) -> pl.DataFrame | None:
        return None if self.arrivals is None else self.arrivals.filter(kept)

    def _with_totals(self, kept: pl.Expr) -> Panel:
        """The panel itself where it has no totals, as most have none."""
        return self if self.totals.is_empty() else replace(self, totals=self.totals.filter(kept))

    def _fact_as_known_at(self, name: str, moment: datetime) -> pl.DataFrame:
        contract = FACTS[name]
        current = self.fact(name).filter(pl.col("known_at") <= moment)
        if name not in self.superseded:
            return current
        earlier = self.superseded[name].filter(
            pl.col("known_at") <= moment, pl.col("superseded_at") > moment
        )
        return pl.concat([current, contract.conform(earlier)]).sort(contract.key)


def names_fitting(series: pl.DataFrame, pattern: str) -> list[str]:
    """The names of series that fit a glob; BadUsage when none does."""
    ids = series["unique_id"].to_list()
    fitting = fnmatch.filter(ids, pattern)
    if not fitting:
        raise BadUsage(
            f"no series fits '{pattern}'; there are {len(ids)}, such as {ids[:2]}. "
            "* stands for anything."
        )
    return fitting


def sold_before(sales: pl.LazyFrame, first: date, most_sold_out: float) -> pl.LazyFrame:
    """BEFORE of the sales before a day, sorted by series."""
    counts = pl.col("stockout_share").fill_null(0.0) <= most_sold_out
    return (
        sales.filter(pl.col("ds") < first, pl.col("y") > 0)
        .group_by("unique_id")
        .agg(
            first_sale=pl.col("ds").filter(counts).min(),
            last_sale=pl.col("ds").filter(counts).max(),
            most_sold=pl.col("y").max(),
        )
        .sort("unique_id")
    )


def _merged_before(older: pl.DataFrame, newer: pl.DataFrame) -> pl.DataFrame:
    """BEFORE of two spans of time as one."""
    both = pl.concat([older, newer]).group_by("unique_id")
    return both.agg(
        pl.col("first_sale").min(), pl.col("last_sale").max(), pl.col("most_sold").max()
    ).sort("unique_id")


def panel_of(
    sales: pl.DataFrame,
    series: pl.DataFrame,
    calendar: pl.DataFrame | None = None,
    prices: pl.DataFrame | None = None,
    covariates: pl.DataFrame | None = None,
    panel_hash: str = "",
) -> Panel:
    """A panel from loose frames: conformed, sorted, keys checked. ContractBroken says what does not
    fit.

    A series without a value in a hierarchy column stands in the group `unplaced` of that level, so
    that levels still add up.
    """
    loose = {"sales": sales, "calendar": calendar, "prices": prices, "covariates": covariates}
    facts = {}
    for name, frame in loose.items():
        contract = FACTS[name]
        conformed = contract.empty() if frame is None else contract.conform(frame)
        facts[name] = contract.check_key(conformed.sort(contract.key))
    placed = SERIES.check_key(SERIES.conform(series).sort("unique_id")).with_columns(
        pl.col(pl.String).fill_null(UNPLACED)
    )
    return Panel(
        sales=facts["sales"],
        series=placed,
        calendar=facts["calendar"],
        prices=facts["prices"],
        covariates=facts["covariates"],
        hash=panel_hash,
    )
