"""Other prices, promotions or opening of some series and days: the forecast beside the published
one, kept as a scenario, handed over as a plan.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from contract.errors import BadInput, BadUsage
from contract.levels import series_where
from contract.params import Params
from forecasting.champion import champion_in_registry
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.what_if import Change, effect, outside_training, planned
from reports.spreadsheets import spreadsheet_safe
from runtime.command_line import Summary
from runtime.disk import write_whole
from runtime.paths import Paths
from storage.forecasts import needed_run
from storage.overrides import read_final
from storage.panel import read_tail
from storage.series import read_series
from storage.store import open_store

NOTE = (
    "association, not cause: the model learned from days on which somebody had a reason for the "
    "price"
)
MOST = 1e9  # of a number; what features are made of it must fit in 32 bits, squared
SPARE_DAYS = 182  # beyond what the champion reads, as inference.py
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}")


@dataclass(frozen=True)
class Scenario:
    """Of whom, and what is other. `where`: column to value; all must hold; none is every series."""

    where: dict[str, str]
    change: Change


def what_if(params: Params, paths: Paths, scenario: Scenario) -> Summary:
    """The scenario's forecast beside the published one, by series and day, with sums; warnings and
    the note that goes with it. Series that came after the table are left out, and counted.

    BadUsage for days, series or values it cannot be of, and where what serves reads no plans.
    """
    change = scenario.change
    _refuse_values(change)
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        run, origin = needed_run(con, "compare with")
        final = read_final(con, run.run_id)
        _refuse_days(change, origin, final["ds"].max())  # type: ignore[arg-type]
        members = series_where(read_series(con), scenario.where)["unique_id"]
        ids = _in_table(members, final)
        model = _model(params, paths, run.model_id)
        since = origin - timedelta(days=SPARE_DAYS + model.days_back)
        panel = read_tail(con, since, params.features.max_stockout_share)
    plan = planned(panel, ids, change)
    published = final.with_columns(y_hat="model")
    rows = effect(model, panel, plan, published).select(
        "unique_id", "ds", published="y_hat", scenario="scenario"
    )
    keys, said = ["unique_id", "ds"], ["price", "promo", "is_open"]
    compared = rows.join(final.select(*keys, final="y_hat"), on=keys, how="left").join(
        plan.select(*keys, *said), on=keys, how="left", maintain_order="left"
    )
    return {
        "run_id": run.run_id,
        "origin": origin,
        "series": len(ids),
        "left_out": len(members) - len(ids),
        **_sums(compared, change),
        "warnings": outside_training(panel.up_to(origin), _other(plan, change)),
        "note": NOTE,
        "rows": compared.to_dicts(),
    }


def keep(paths: Paths, name: str, scenario: Scenario, result: Summary) -> Path:
    """The scenario and what came of it as `data/scenarios/<name>.json`, and its plan as CSV, as
    source.files.plans reads it.
    """
    if not _NAME.fullmatch(name):
        raise BadUsage(
            f"'{name[:60]}' names no scenario: letters, digits, blank, _ . - only, 60 at most."
        )
    paths.scenarios.mkdir(parents=True, exist_ok=True)
    target = paths.scenarios / f"{name}.json"
    content = {"name": name, "where": scenario.where, "change": asdict(scenario.change), **result}
    write_whole(target, json.dumps(content, default=str, indent=1))
    write_whole(target.with_suffix(".csv"), plan_text(result))
    return target


def plan_text(result: Summary) -> str:
    """The days planned otherwise as CSV: unique_id, ds, price, promo, is_open."""
    rows = pl.DataFrame(result["rows"], infer_schema_length=None)
    plan = rows.filter(pl.any_horizontal(pl.col("price", "promo", "is_open").is_not_null()))
    columns = ["unique_id", "ds", "price", "promo", "is_open"]
    return spreadsheet_safe(plan.select(columns)).write_csv()


def kept(paths: Paths) -> list[Summary]:
    """The scenarios kept, without their rows, by name: side by side they are compared."""
    found = []
    for path in sorted(paths.scenarios.glob("*.json")):
        try:
            content = dict(json.loads(path.read_text(encoding="utf-8")))
            content.pop("rows")
        except (ValueError, TypeError, KeyError) as error:
            raise BadInput(
                f"'{path}' holds no scenario ({type(error).__name__}). Move it away; what-if with "
                "the same name makes it anew."
            ) from error
        found.append(content)
    return found


def _other(plan: pl.DataFrame, change: Change) -> pl.DataFrame:
    """The plan without prices and promotions that are as they are known: of those the published
    table is, too.
    """
    is_priced = change.price is not None or bool(change.price_percent)
    known = {"price": is_priced, "promo": change.promo is not None}
    kept_out = [name for name, is_other in known.items() if not is_other]
    return plan.with_columns(pl.lit(None, pl.Float64).alias(name) for name in kept_out)


def _in_table(members: pl.Series, table: pl.DataFrame) -> pl.Series:
    """Those of these series that the table forecasts; BadUsage where it holds none."""
    held = members.filter(members.is_in(table["unique_id"].unique().implode()))
    if held.is_empty():
        raise BadUsage(
            f"the newest table holds none of these {len(members)} series, such as '{members[0]}': "
            "they came after it. Run `python inference.py`, then they can be compared."
        )
    return held


def _model(params: Params, paths: Paths, model_id: str | None) -> GlobalLightGBM:
    champion = champion_in_registry(paths.registry, model_id, paths.backtest)
    if not isinstance(champion.model, GlobalLightGBM):
        serves = champion.model.name if champion.model else champion.why_none
        raise BadUsage(
            f"what made the newest table reads no prices, promotions or opening ({serves}). A "
            "what-if needs a champion: see `python inference.py models`."
        )
    if champion.model.is_recursive:
        raise BadUsage(
            "the champion forecasts day after day from its own forecasts (train.strategy: "
            "recursive): what-if is of direct models alone."
        )
    return champion.model


def _refuse_values(change: Change) -> None:
    numbers = (change.price, change.price_percent, change.promo)
    given = [value for value in numbers if value is not None]
    if not given and change.is_open is None:
        raise BadUsage("nothing is other. Give a price, a percentage, a promotion or an opening.")
    if change.price is not None and change.price_percent is not None:
        raise BadUsage("a price and a percentage of it are two questions. Give one of them.")
    least = {"price": change.price, "promotion": change.promo}
    too_low = [name for name, value in least.items() if value is not None and value < 0]
    if (change.price_percent or 0) <= -100:
        too_low.append("percentage")
    if too_low or not all(value <= MOST for value in given):  # nor is NaN
        raise BadUsage(
            f"{too_low or given}: a price and a promotion are 0 or more, a percentage is above "
            f"-100, and each is {MOST:,.0f} at most."
        )


def _refuse_days(change: Change, origin: date, last: date) -> None:
    if not origin < change.from_ds <= change.to_ds <= last:
        raise BadUsage(
            f"{change.from_ds} to {change.to_ds} are no days of the newest table, which holds "
            f"those after {origin} to {last}. Give days within it, first day first."
        )


def _sums(compared: pl.DataFrame, change: Change) -> Summary:
    """Units of the planned days, and of the whole table: a promotion also moves days after it."""
    days = compared.filter(pl.col("ds").is_between(change.from_ds, change.to_ds))
    return {
        name: round(float(rows[column].sum()), 3)
        for name, rows, column in (
            ("published_units", days, "published"),
            ("scenario_units", days, "scenario"),
            ("published_units_all_days", compared, "published"),
            ("scenario_units_all_days", compared, "scenario"),
        )
    }
