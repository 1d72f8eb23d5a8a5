"""What the champion would forecast had some series other prices, promotions or opening on some days
(docs/design/planner.md, What-if).

It is association, not cause: the model learned from days on which somebody had a reason for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from contract.agreement import OPENING
from contract.days import days_between
from contract.errors import BadUsage
from contract.frames import COVARIATES, PRICES
from contract.panel import Panel
from forecasting.explain import means_of
from forecasting.forecaster import days_late
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.publication import trim_to_last_sale

EARLIER = timedelta(days=1)


@dataclass(frozen=True)
class Change:
    """What is other on some days, both ends included; None: as it is known.

    `price`: money a unit; `price_percent`: of the price known, 0 is none; `promo`: strength, 0 is
    none; `is_open`: whether the store is open.
    """

    from_ds: date
    to_ds: date
    price: float | None = None
    price_percent: float | None = None
    promo: float | None = None
    is_open: bool | None = None


def planned(panel: Panel, ids: pl.Series, change: Change) -> pl.DataFrame:
    """unique_id, ds, price, promo, is_open of these series and days as the change has them: a plan,
    a row a day. Null where nothing is known and nothing was changed.

    BadUsage for a percentage of a price that is not known.
    """
    days = pl.DataFrame({"ds": days_between(change.from_ds, change.to_ds)})
    grid = ids.unique().sort().to_frame("unique_id").join(days, how="cross")
    known = grid.sort("ds").join_asof(
        panel.prices.select("unique_id", "from_ds", "to_ds", "price", "promo").sort("from_ds"),
        left_on="ds",
        right_on="from_ds",
        by="unique_id",
        strategy="backward",
        check_sortedness=False,
    )
    is_in = pl.col("to_ds") >= pl.col("ds")
    rows = known.sort("unique_id", "ds").select(
        "unique_id",
        "ds",
        "price",  # after its end the last price goes on, a promotion does not
        promo=pl.when(is_in).then("promo"),
        is_open=pl.lit(change.is_open, pl.Boolean),
    )
    if change.price_percent is not None and rows["price"].null_count():
        unknown = rows.filter(pl.col("price").is_null())["unique_id"].unique().sort()
        raise BadUsage(
            f"of {len(unknown)} series no price is known, such as '{unknown[0]}': no percentage "
            "changes it. Give a price."
        )
    factor = 1 + (change.price_percent or 0.0) / 100
    changed = pl.col("price") * factor if change.price is None else pl.lit(float(change.price))
    promo = pl.col("promo") if change.promo is None else pl.lit(float(change.promo))
    return rows.with_columns(price=changed, promo=promo)


def changed_panel(panel: Panel, plan: pl.DataFrame) -> Panel:
    """The panel with a plan's prices, promotions and opening in the place of its own; `plan` as
    `planned`: the same days of each series.
    """
    first, last = plan["ds"].min(), plan["ds"].max()
    ours = pl.col("unique_id").is_in(plan["unique_id"].unique().implode())
    before = panel.prices.filter(ours, pl.col("from_ds") < first).with_columns(
        to_ds=pl.min_horizontal("to_ds", pl.lit(first) - EARLIER)
    )
    after = panel.prices.filter(ours, pl.col("to_ds") > last).with_columns(
        from_ds=pl.max_horizontal("from_ds", pl.lit(last) + EARLIER)
    )
    known_at = datetime.combine(panel.last_day, time())
    days = plan.filter(pl.any_horizontal(pl.col("price", "promo").is_not_null())).select(
        "unique_id", "price", "promo", from_ds="ds", to_ds="ds", known_at=pl.lit(known_at)
    )
    parts = [panel.prices.filter(~ours), before, PRICES.conform(days), after]
    prices = pl.concat([PRICES.conform(part) for part in parts]).sort(PRICES.key)
    return replace(panel, prices=prices, covariates=_with_opening(panel, plan, known_at))


def _with_opening(panel: Panel, plan: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
    said = plan.filter(pl.col("is_open").is_not_null()).select(
        "unique_id",
        "ds",
        name=pl.lit(OPENING),
        value=pl.col("is_open").cast(pl.Float64),
        known_at=pl.lit(known_at),
    )
    if said.is_empty():
        return panel.covariates
    others = panel.covariates.join(said, on=list(COVARIATES.key), how="anti")
    return pl.concat([others, COVARIATES.conform(said)]).sort(COVARIATES.key)


def effect(
    model: GlobalLightGBM, panel: Panel, plan: pl.DataFrame, table: pl.DataFrame
) -> pl.DataFrame:
    """The rows of a table (FORECASTS) of the plan's series, with `scenario`: the published mean
    times what the model says of the plan over what it says without it.

    So whatever came after the model, the group step among it, is kept. Where the model says nothing
    without the plan, what it says with it. Days beside the plan's move, too: windows read them.
    """
    ids = plan["unique_id"].unique().sort()
    rows = table.join(ids.to_frame("unique_id"), on="unique_id", how="semi").sort("unique_id", "ds")
    origin, horizon = rows["origin"][0], int(rows["h"].max())  # type: ignore[arg-type]
    known = trim_to_last_sale(panel.up_to(origin))
    other = trim_to_last_sale(changed_panel(panel, plan).up_to(origin))
    before, after = (_means(model, one, ids, origin, horizon) for one in (known, other))
    published = rows["y_hat"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        scenario = np.where(before > 0, published * after / before, after)
    return rows.with_columns(scenario=pl.Series(scenario))


def _means(
    model: GlobalLightGBM, known: Panel, ids: pl.Series, origin: date, horizon: int
) -> np.ndarray:
    """(series x horizon,) the model's means of these series before the group step."""
    late = days_late(known, origin)
    dense = model.serving_panel(known, horizon + late)
    members = np.flatnonzero(dense.series["unique_id"].is_in(ids.implode()).to_numpy())
    means: np.ndarray = means_of(model, dense, members, horizon + late)[:, late:]
    return means.ravel()


def outside_training(panel: Panel, plan: pl.DataFrame) -> list[str]:
    """Sentences on what the model never saw: prices beyond each series' own, promotions stronger
    than any, or any at all where there was none.
    """
    origin = panel.last_day
    past = panel.prices.filter(pl.col("from_ds") <= origin)
    seen = past.group_by("unique_id").agg(least=pl.col("price").min(), most=pl.col("price").max())
    beside = plan.join(seen, on="unique_id", how="left")
    beyond = beside.filter(
        (pl.col("price") < pl.col("least") * (1 - 1e-9))
        | (pl.col("price") > pl.col("most") * (1 + 1e-9))
        | (pl.col("price").is_not_null() & pl.col("least").is_null())
    )
    found = []
    if beyond.height:
        one = beyond.row(0, named=True)
        span = "no price" if one["least"] is None else f"{one['least']:g} to {one['most']:g}"
        found.append(
            f"the price of {beyond['unique_id'].n_unique()} series is outside what it ever was, "
            f"such as '{one['unique_id']}': {one['price']:g}, seen {span}"
        )
    promotions = past["promo"].fill_null(0.0).to_list()
    strongest, wanted = max(promotions, default=0.0), max(plan["promo"].drop_nulls(), default=0.0)
    if wanted > strongest:
        ever = f"the strongest seen is {strongest:g}" if strongest else "none was ever seen"
        found.append(f"a promotion of {wanted:g}: {ever}")
    return found
