"""What one section of params names, another must provide: checked when params are read."""

from __future__ import annotations

from contract.days import YEAR
from contract.errors import BadParams
from contract.names import PREFIX, is_name
from contract.params import Params, SourceParams

# the series columns of the simulator and of M5
BUILT_IN = ("state_id", "store_id", "cat_id", "dept_id", "item_id")
OPENING = "is_open"  # the covariate a plan of openings arrives as
SEASON_REACH = 14  # days after the day a year ago that a group's season is read from
LATE_DAYS = 14  # of a feed this late, the days ahead are counted from two weeks earlier


def agree(params: Params) -> Params:
    """The params, if every series column and covariate they name will be there. BadParams names the
    first that will not.
    """
    source, features = params.source, params.features
    _check_horizon(params)
    _check_retention(params)
    _check_origin_of_rows(source)
    is_files = source.is_mapped
    columns = list(source.files.hierarchy) if is_files else list(BUILT_IN)
    owner = "source.files.hierarchy maps" if is_files else f"source.kind {source.kind} has"
    named = {
        "source.levels": [name for level in source.levels for name in level],
        "source.region": [source.region] if source.region else [],
        "features.hierarchy": [name for group in features.hierarchy for name in group],
        "train.groups.columns": params.train.groups.columns or [],
    }
    for place, names in named.items():
        _check(place, names, columns, owner, source.kind)
    if is_files:
        _check(
            "source.files.names",
            list(source.files.names),
            [*columns, "unique_id"],
            "source.files.hierarchy and unique_id are",
            source.kind,
        )
        _check(
            "source.files.supply_on",
            list(source.files.supply_on),
            [*columns, "unique_id"],
            "source.files.hierarchy and unique_id are",
            source.kind,
        )
        _check(
            "source.files.totals_on",
            list(source.files.totals_on),
            columns,
            "source.files.hierarchy maps",
            source.kind,
        )
        _check_levels(columns)
        _check_holidays(source)
    ahead = list(source.files.known_future) if is_files else []
    past = list(source.files.past_only) if is_files else []
    _check(
        "features.known_future",
        features.known_future,
        ahead,
        "source.files.known_future maps",
        source.kind,
    )
    _check(
        "features.past_only", features.past_only, past, "source.files.past_only maps", source.kind
    )
    if OPENING in source.files.known_future or OPENING in source.files.past_only:
        raise BadParams(
            f"source.files.known_future or past_only names '{OPENING}', the name under which "
            "planned openings are kept. "
            f"Map the column as source.files.columns: {OPENING}, or give it another name."
        )
    return params


def _check_origin_of_rows(source: SourceParams) -> None:
    if source.kind == "sql" and "sales" not in source.sql.facts:
        raise BadParams(
            "source.kind is sql, and source.sql.facts names no sales. Add e.g. "
            "facts: {sales: {table: shop.sales, watermark: updated_at}} in shop.yaml."
        )
    sales = source.sql.facts.get("sales")
    by_days = source.kind == "sql" and sales is not None and sales.watermark is not None
    if by_days and not isinstance(source.files.columns.get("ds"), str):
        raise BadParams(
            "source.sql reads sales by whole days, and source.files.columns makes ds of several "
            "columns. Make one column of them in source.sql.facts.sales.query."
        )
    if source.bucket is not None and source.kind != "files":
        raise BadParams(
            f"source.bucket names a bucket of files, and source.kind is {source.kind}. Set "
            "source.kind: files, or source.bucket: null."
        )


def furthest_day(params: Params) -> int:
    """The most days ahead there can be: what is read around the same day a year ago must have
    happened, feeds late or not.
    """
    season = SEASON_REACH if params.features.hierarchy else 0
    return YEAR - LATE_DAYS - max([season, *(days // 2 for days in params.features.year_windows)])


def whole_days(params: Params) -> int:
    """The age in days up to which a published table is kept whole."""
    return params.train.horizon + params.retention.whole_days


def _check_horizon(params: Params) -> None:
    wanted, furthest = max(params.train.horizon, *params.train.blocks), furthest_day(params)
    if wanted > furthest:
        raise BadParams(
            f"train.horizon and train.blocks want {wanted} days ahead; what features read around "
            f"the same day a year ago allows {furthest}. "
            f"Lower them, or shorten features.year_windows {params.features.year_windows}."
        )


def _check_retention(params: Params) -> None:
    """What the watchers and the gate read back to is not thinned."""
    read, kept = params.monitor.signals.days_looked_at, params.retention.first_week_days
    if kept < read:
        raise BadParams(
            f"retention.first_week_days keeps {kept} days of tables; monitor.signals judge by "
            f"{read}. Raise it, or lower monitor.signals.past_days or watch_days."
        )
    whole, shadow = whole_days(params), params.evaluate.gate.shadow_days
    if shadow > whole:
        raise BadParams(
            f"evaluate.gate.shadow_days wants {shadow} days in shadow; retention.whole_days keeps "
            f"{whole} with train.horizon. Raise it, or lower shadow_days."
        )


def _check_levels(columns: list[str]) -> None:
    if taken := [name for name in columns if is_name(name)]:
        raise BadParams(
            f"source.files.hierarchy calls a level {taken[0]!r}; columns that begin with "
            f"{PREFIX!r} hold what levels are called (source.files.names). Call it otherwise."
        )


def _check_holidays(source: SourceParams) -> None:
    holidays, calendar = source.files.holidays, source.files.calendar
    if not holidays:
        return
    if calendar:
        raise BadParams(
            f"source.files.calendar ({calendar!r}) and source.files.holidays ({holidays!r}) would "
            "both say which days are holidays. Take out source.files.holidays, and let the "
            "calendar name them; or take out source.files.calendar."
        )
    if isinstance(holidays, dict) and source.region is None:
        raise BadParams(
            f"source.files.holidays names regions {sorted(holidays)}, but source.region names no "
            "column that holds them. State source.region, or one country or region for all."
        )


def _check(place: str, names: list[str], available: list[str], owner: str, kind: str) -> None:
    absent = sorted(set(names) - set(available))
    if absent:
        raise BadParams(
            f"{place} names {absent}, but {owner} {available}. "
            f"Map the column there, or take it out of {place} "
            f"(params.yaml; with source.kind {kind}, profiles.{kind} is laid over the sections "
            "above it)."
        )
