"""A look at published tables beside what happened since, and every watcher over them: of a panel,
or of one of its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from contract.days import YEAR
from contract.demand import DemandRules
from contract.draws import some_of
from contract.errors import ModelBroken
from contract.frames import FORECASTS
from contract.levels import Level
from contract.panel import Panel
from contract.params import MonitorParams
from contract.quantiles import INTERVALS, QUANTILES
from contract.sums import kept_frame
from contract.whole import numbers_among
from forecasting.actuals import levels_with_actuals, with_actuals
from forecasting.pairs import MOST_SERIES
from forecasting.served import Served, served_again
from monitoring.finding import Finding
from monitoring.outcome_signals import daily_sums
from monitoring.outcomes import OutcomeTables, outcome_tables
from monitoring.parity import no_parity, parity
from monitoring.past_tables import (
    WHOLE_TABLE,
    Published,
    RowsOf,
    RowsOfPart,
    one_table_a_week,
    sums_of_first_weeks,
)
from monitoring.watch import Evidence, group_columns, groups_of, watch
from runtime.json_files import read_json, write_json

LATE_DAYS = 14  # beyond the horizon: a feed this late still finds its table
SAID, SCALING, AGAIN = "said.json", "scaling.parquet", "again.parquet"
_WHY = "why"
# what the champion's intervals are scaled by (forecasting.recalibration)
SCALING_COLUMNS = ("run_id", "reason", "ds", "y", "y_hat", "q500", *INTERVALS[0.95])


@dataclass(frozen=True)
class Rules:
    """What params say of a look: units of a day, levels, watchers."""

    demand: DemandRules
    levels: list[Level]
    monitor: MonitorParams


@dataclass(frozen=True)
class Known:
    """What a look begins with: the evidence without panel and tables, which tables those are, and
    what the newest of them was served with, or why that is not known.
    """

    evidence: Evidence
    published: Published
    served: Served | None
    why_none: str = ""


@dataclass(frozen=True)
class Realised:
    """The weekly tables beside their actuals as far as those are known (`with_actuals`), the newest
    of them whole, and what sums how good they were.
    """

    actuals: pl.DataFrame
    last_table: pl.DataFrame
    outcomes: Callable[[], OutcomeTables]


@dataclass(frozen=True)
class Looked:
    """What was found, how good past tables were, and SCALING_COLUMNS of their rows."""

    findings: list[Finding]
    outcomes: OutcomeTables
    scaling: pl.DataFrame


def since_of_tables(published: Published) -> date:
    """The first day of sales that the weekly tables are about."""
    return published.last_day - timedelta(days=published.horizon + LATE_DAYS)


def since_of_signals(published: Published) -> date:
    """The first day of sales that any watcher reads."""
    return published.last_day - timedelta(days=published.days_looked_at + YEAR)


def levels_judged(series: pl.DataFrame, levels: list[Level]) -> list[Level]:
    """The whole, and those of the groups that are watched."""
    watched = [(), *((name,) for name in group_columns(series))]
    return [level for level in levels if level.columns in watched]


def realised(
    panel: Panel, published: Published, rows_of: RowsOf, rules: Rules, most_sold_out: float
) -> Realised:
    """Of one table a week, each beside the days they are all about."""
    recent = panel.since(since_of_tables(published), most_sold_out)
    whole, series = panel.whole, panel.series
    tables = one_table_a_week(rows_of, published)
    last_table = next(tables, FORECASTS.empty())
    actuals = pl.concat(
        with_actuals(table, recent, rules.demand) for table in chain([last_table], tables)
    )

    def outcomes() -> OutcomeTables:
        judged = levels_judged(whole.series(series), rules.levels)
        levels = levels_with_actuals(published.levels, actuals, series, judged, whole)
        return outcome_tables(actuals, levels, series, groups_of(panel), whole)

    return Realised(actuals, last_table, outcomes)


def seen_at(
    evidence: Evidence,
    panel: Panel,
    last_table: pl.DataFrame,
    published: Published,
    rows_of: RowsOf,
) -> Evidence:
    """The evidence with the panel and the tables that lie beside it."""
    columns = groups_of(panel)

    def sums(tables: pl.DataFrame, known: Panel) -> pl.DataFrame:
        return daily_sums(with_actuals(tables, known, evidence.rules), known.series, columns)

    newest = rows_of(published.newest, QUANTILES, WHOLE_TABLE, date.max)
    make = partial(sums_of_first_weeks, rows_of, published, panel, sums)
    weekly = kept_frame(panel.whole, "weekly", make)
    return replace(evidence, panel=panel, newest=newest, past=last_table, weekly=weekly)


def scaling_rows(actuals: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """SCALING_COLUMNS of the rows of MOST_SERIES series at most, evenly drawn."""
    everyone = panel.whole.series(panel.series).height
    if everyone <= MOST_SERIES:
        return actuals.select(SCALING_COLUMNS)
    drawn = pl.Series(numbers_among(panel.whole, panel.series)).is_in(
        some_of(everyone, MOST_SERIES).tolist()
    )
    names = panel.series.filter(drawn).select("unique_id")
    return actuals.join(names, on="unique_id", how="semi").select(SCALING_COLUMNS)


@dataclass(frozen=True)
class PartLook:
    """A look at a part (scaling.run); what it says is said of the whole, by every part alike.

    `rows_of`: as RowsOf, of a part by its number.
    """

    known: Known
    rules: Rules
    most_sold_out: float
    rows_of: RowsOfPart

    def __call__(self, panel: Panel, folder: Path) -> None:
        """`SAID`; of its own rows `SCALING`, and features once more (`AGAIN`) where they can be."""
        again = panel.whole.attempt(partial(self._again, panel))
        rows_of = partial(self.rows_of, int(folder.name.rpartition("-")[2]))
        published = self.known.published
        past = realised(panel, published, rows_of, self.rules, self.most_sold_out)
        outcomes = panel.whole.attempt(past.outcomes)
        evidence = seen_at(self.known.evidence, panel, past.last_table, published, rows_of)
        findings = watch(evidence, past.actuals, self.rules.monitor)
        said = {"findings": [asdict(finding) for finding in findings], "outcomes": outcomes()}
        write_json(folder / SAID, said)
        scaling_rows(past.actuals, panel).write_parquet(folder / SCALING)
        again().write_parquet(folder / AGAIN)

    def _again(self, panel: Panel) -> pl.DataFrame:
        """The served features, of the panel that the newest table was made from and of no other; or
        `why` there are none.
        """
        served = self.known.served
        if served is None:
            return pl.DataFrame()
        try:
            why = served.why_not_of(panel, since_of_signals(self.known.published))
            if why is None:
                return served_again(served, panel)
        except ModelBroken as broken:
            why = str(broken)
        return pl.DataFrame({_WHY: [why]})


def looked_in_parts(folders: list[Path], known: Known) -> Looked:
    """What the parts said, and of the newest table's features."""
    said = read_json(folders[0] / SAID)
    scaling = [pl.read_parquet(folder / SCALING, glob=False) for folder in folders]
    findings = [*map(_finding, said["findings"]), _parity(folders, known)]
    return Looked(findings, said["outcomes"], pl.concat(scaling))


def _parity(folders: list[Path], known: Known) -> Finding:
    served = known.served
    if served is None:
        return no_parity(known.why_none)
    again = pl.concat(pl.read_parquet(folder / AGAIN, glob=False) for folder in folders)
    if _WHY in again.columns:
        return no_parity(again[_WHY][0])
    return parity(served.rows, again, served.run_id)


def _finding(said: dict[str, Any]) -> Finding:
    since = said["since"] and date.fromisoformat(said["since"])
    return Finding(**said | {"since": since, "contributors": tuple(said["contributors"])})
