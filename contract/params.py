"""params.yaml as frozen values: one section per entry point or package. Unknown names and values
out of range are refused.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from contract.levels import Level, is_ambiguous, level_by, levels_of
from contract.written import bucket_of, date_format_of, holidays_of, time_zone_of

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Kind = Literal["simulator", "m5", "files", "sql"]
Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]  # of the environment
# in the order in which they are fetched: what sales are judged by comes before them
Fact = Literal["calendar", "prices", "plans", "sales", "totals", "supply", "stock"]
FACTS: tuple[Fact, ...] = get_args(Fact)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SimulatorParams(_Section):
    """The built-in retail simulator."""

    series: Annotated[int, Field(ge=20, le=1_000_000)]
    days: Annotated[int, Field(ge=120)]
    start: date
    seed: Seed
    daily_files: Annotated[int, Field(ge=0)]
    restated_share: Share
    late_share: Share
    bad_rows_share: Share
    stockout_share: Share
    promo_share: Share
    world: Literal["hard", "calm"]
    plan_days: Annotated[int, Field(ge=1, le=60)] | None
    frozen_share: Share


class CodedColumn(_Section):
    """A text column of your files as a number or a flag: the codes are stated ('' is an empty
    field), an unlisted value is a refused row.
    """

    column: str
    codes: dict[str, float]


class FilesParams(_Section):
    """Your own CSV or Parquet files: which, how written, and which column means what."""

    sales: str
    calendar: str | None = None
    holidays: Annotated[str | dict[str, str] | None, AfterValidator(holidays_of)] = None
    prices: str | None = None
    plans: str | None = None
    static: str | None = None
    static_on: list[str] = []
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str = "utf8"
    sheet: str | None = None
    date_format: Annotated[str, AfterValidator(date_format_of)] | None = None
    time_zone: Annotated[str, AfterValidator(time_zone_of)] | None = None
    transactions: bool = False
    returns: Literal["refuse", "net"] = "refuse"
    deduplicate_on: list[str] = []
    keep: dict[str, str] = {}
    columns: dict[str, str | list[str] | CodedColumn | None] = {}
    scale: dict[str, float] = {}
    calendar_columns: dict[str, str | CodedColumn] = {}
    price_columns: dict[str, str | list[str] | CodedColumn] = {}
    hierarchy: dict[str, str] = {}
    names: dict[str, str] = {}
    known_future: dict[str, str | CodedColumn] = {}
    past_only: dict[str, str | CodedColumn] = {}
    totals: str | None = None
    totals_columns: dict[str, str | list[str]] = {}
    totals_on: dict[str, str | list[str]] = {}
    stock: str | None = None
    stock_columns: dict[str, str | list[str]] = {}
    supply: str | None = None
    supply_columns: dict[str, str] = {}
    supply_on: dict[str, str | list[str]] = {}


# fields of FilesParams that say nothing of how sales are read
BESIDE_SALES = (
    "totals",
    "totals_columns",
    "totals_on",
    "stock",
    "stock_columns",
    "supply",
    "supply_columns",
    "supply_on",
)


class TableParams(_Section):
    """A table (schema.name) or a query of a database, and what says which of its rows are new."""

    table: str | None = None
    query: str | None = None
    watermark: str | None = None
    overlap: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> TableParams:
        if (self.table is None) == (self.query is None):
            raise ValueError("state a table or a query, and not both")
        return self


class SqlParams(_Section):
    """Your own database: where, and the table or query of each fact."""

    url_env: Variable
    facts: dict[Fact, TableParams] = {}
    batch_rows: Annotated[int, Field(ge=1000)]

    @field_validator("facts")
    @classmethod
    def _supply_is_whole(cls, facts: dict[Fact, TableParams]) -> dict[Fact, TableParams]:
        if "supply" in facts and facts["supply"].watermark is not None:
            raise ValueError("supply holds whole: what it lacks is withdrawn. Leave out watermark")
        return facts


class SourceParams(_Section):
    """Where rows come from."""

    kind: Kind
    path: str | None
    sha256: str | None
    assumed_delay_days: Annotated[int, Field(ge=0)]
    history_span_days: Positive = 31
    max_unpacked_mb: Annotated[float, Field(gt=0)] = 2048.0
    levels: tuple[tuple[str, ...], ...]
    region: str | None
    bucket: Annotated[str, AfterValidator(bucket_of)] | None = None
    simulator: SimulatorParams
    files: FilesParams
    sql: SqlParams = SqlParams(url_env="TILLCAST_SOURCE_URL", batch_rows=100_000)

    @model_validator(mode="before")
    @classmethod
    def _patterns_of_tables(cls, values: Any) -> Any:
        """Of a database the names of what is fetched are ours: `sales.*` for its sales."""
        if isinstance(values, dict) and values.get("kind") == "sql":
            files, sql = values.get("files"), values.get("sql")
            if isinstance(files, dict) and isinstance(sql, dict):
                facts = sql.get("facts") or {}
                own = {fact: f"{fact}.*" if fact in facts else None for fact in FACTS}
                return values | {"files": files | own | {"sales": "sales.*"}}
        return values

    @field_validator("levels")
    @classmethod
    def _levels_have_names_of_their_own(
        cls, levels: tuple[tuple[str, ...], ...]
    ) -> tuple[tuple[str, ...], ...]:
        unclear = [list(one) for one in levels if is_ambiguous(level_by(one))]
        if unclear:
            raise ValueError(
                f"{unclear[0]} would be called as another level is: a column named series, total, "
                "or with a * in it, makes no level. Leave it out, or rename the column"
            )
        return levels

    @property
    def is_mapped(self) -> bool:
        """Whether `files` says what columns mean: of files and tables of one's own."""
        return self.kind in ("files", "sql")

    @property
    def hierarchy(self) -> list[Level]:
        """The levels from the top to the series."""
        return levels_of(self.levels)


class IngestParams(_Section):
    """What a batch must be, and how long to wait for the store."""

    max_refused_share: Share
    absent_means_zero: bool
    max_y: Annotated[float, Field(gt=0)]
    whole_days: bool
    refuse_unusual: bool
    min_rows_share: Share
    max_rows_share: Annotated[float, Field(gt=1)]
    max_volume_ratio: Annotated[float, Field(gt=1)]
    max_new_series: Annotated[float, Field(gt=0)]
    max_size_jump: Annotated[float, Field(gt=1)]
    min_own_rank: Annotated[float, Field(ge=-1, le=1)]
    most_copied: Share
    repeats_band: Share
    rows_band: Share
    volume_band: Annotated[float, Field(gt=1)]
    zero_share_band: Share
    most_restated: Share
    min_sold_share: Share
    most_new: Share
    most_unread: Share
    refuse_all_new: bool
    max_price_jump: Annotated[float, Field(gt=1)]
    oldest_day: date
    most_days_ahead: Positive
    most_gap_days: Positive
    most_clock_gap_days: Positive
    min_age_s: Annotated[float, Field(ge=0)]
    allow_new_series: bool
    great_expectations_max_rows: Positive
    lock_wait_s: Annotated[float, Field(ge=0)]
    keep_validation_pages: Positive


class FeatureParams(_Section):
    """What may be known at an origin; an empty list or false switches the family off."""

    max_stockout_share: Share
    lags: list[Annotated[int, Field(ge=0)]]
    windows: list[Annotated[int, Field(ge=2)]]
    weekday_weeks: list[Positive]
    year_windows: list[Positive]
    calendar: bool | Literal["dates"]
    event_reach_days: Positive
    price: bool
    promo: bool
    lifecycle: bool
    hierarchy: list[list[str]]
    hierarchy_windows: list[Positive]
    static: bool
    known_future: list[str]
    past_only: list[str]
    chunk_series: Positive


class GroupParams(_Section):
    """The group step: series scaled towards what their groups' own forecaster expects. `columns`
    null switches it off.
    """

    columns: list[str] | None
    shape_strength: Share
    level_strength: Share
    ridge: Annotated[float, Field(gt=0)]
    pull: Annotated[float, Field(gt=0)]


class TrainParams(_Section):
    """The global forecaster."""

    horizon: Positive
    season: Positive
    strategy: Literal["direct", "recursive"]
    blocks: list[Positive]
    objective: Literal["tweedie", "poisson", "regression"]
    tweedie_power: Annotated[float, Field(gt=1, lt=2)]
    rounds: Annotated[int, Field(gt=0, le=10_000)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    leaves: Annotated[int, Field(ge=2)]
    min_rows_in_leaf: Positive
    feature_fraction: Annotated[float, Field(gt=0, le=1)]
    row_fraction: Annotated[float, Field(gt=0, le=1)]
    l2: Annotated[float, Field(ge=0)]
    max_bins: Annotated[int, Field(ge=16, le=255)]
    groups: GroupParams
    origin_step_days: Positive
    min_history_days: Positive
    hide_plans_share: Share = 0.0  # absent from the cards of models fitted with whole plans
    break_share: Share = 0.0  # absent from the cards of models that saw no breaks but real ones
    average_share: Share = 0.0  # absent from the cards of models that are trees alone
    rest_days: Positive | None = None  # absent from the cards of models before it
    max_rows: Positive
    seed: Seed
    threads: Positive

    @field_validator("blocks")
    @classmethod
    def _blocks_grow(cls, blocks: list[int]) -> list[int]:
        if not blocks or sorted(set(blocks)) != blocks:
            raise ValueError(
                "blocks are the last days of each block, growing, like [7, 14, 21, 28]; "
                f"got {blocks}"
            )
        return blocks


class ChooseParams(_Section):
    """What a backtest may lay over `train`, and how long it may take; 0 minutes: nothing."""

    minutes: Annotated[float, Field(ge=0)]
    origins: Positive
    refit_every: Positive
    recipes: dict[str, dict[str, Any]]


class GateParams(_Section):
    """When a candidate becomes the champion."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    min_gain: Share
    max_loss: Share
    max_level_loss: Share
    max_abs_bias: Share
    max_coverage_gap: Share
    max_slice_loss: Share
    max_churn: Share
    max_forecast_s: Annotated[float, Field(gt=0)]
    shadow_days: Annotated[int, Field(ge=0)]


class EvaluateParams(_Section):
    """The rolling-origin backtest."""

    origins: Positive
    step_days: Positive
    refit_every: Positive
    as_of_hours: Annotated[float, Field(ge=0)] | None
    calibration_bins: Annotated[int, Field(ge=2)]
    choose: ChooseParams
    gate: GateParams


class InferenceParams(_Section):
    """What a published forecast may look like."""

    explosion_factor: Annotated[float, Field(gt=1)]
    max_level_jump: Annotated[float, Field(gt=1)]
    most_closed_ahead: Share
    fallback_days: Positive


class ScaleParams(_Section):
    """In how many parts a panel is forecast, and who runs them; moves no number."""

    parts: Positive | Literal["auto"]
    engine: Annotated[str, Field(pattern=r"^(here|dask(:.+)?)$")]
    memory_mb: Annotated[float, Field(gt=0)] | None


class OrderingParams(_Section):
    """What to order, where stock and supply are known."""

    spans: list[tuple[Positive, Positive]]
    target_service: Annotated[float, Field(ge=0.005, le=0.995)]
    lead_days: Annotated[int, Field(ge=0)]
    max_stock_age_days: Annotated[int, Field(ge=0)]
    max_stock_days: Annotated[float, Field(gt=0)]
    budget: Annotated[float, Field(ge=0)] | None

    @field_validator("spans")
    @classmethod
    def _forwards(cls, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        if backwards := [span for span in spans if span[0] > span[1]]:
            raise ValueError(f"a span ends before it begins: {backwards[0]}")
        return spans


class SignalParams(_Section):
    """How daily signals are judged against their own past."""

    false_alarms_per_quarter: Annotated[float, Field(gt=0, le=1)]
    watch_days: Annotated[int, Field(ge=14)]
    past_days: Annotated[int, Field(ge=28)]
    least_past_days: Annotated[int, Field(ge=28)]

    @property
    def days_looked_at(self) -> int:
        """How far back a signal is read: the days watched, their past, the days an alert
        lingers.
        """
        return 2 * self.watch_days + self.past_days + 7


Hours = tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]]


class NotifyParams(_Section):
    """When alerts are sent: from one hour of the day until before another."""

    error_hours: Hours
    warning_hours: Hours
    timezone: Annotated[str, AfterValidator(time_zone_of)]
    app_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+[^\s]*$")] | None = None

    @field_validator("error_hours", "warning_hours")
    @classmethod
    def _begin_before_they_end(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if hours[0] >= hours[1]:
            raise ValueError(f"hours begin before they end, like [6, 20]; got {list(hours)}")
        return hours


class MonitorParams(_Section):
    """When a person should look."""

    max_staleness_days: Positive
    max_abs_bias: Share
    group_bias: Annotated[float, Field(ge=0)]
    max_wape_ratio: Annotated[float, Field(gt=1)]
    max_coverage_gap: Share
    max_psi: Annotated[float, Field(gt=0)]
    max_model_age_days: Positive
    retrain_every_days: Positive
    max_fallback_share: Share
    max_refused_share: Share
    max_unordered_share: Share
    max_old_share: Share
    max_churn: Annotated[float, Field(gt=0)]
    max_level_ratio: Annotated[float, Field(gt=1)]
    least_shape: Share
    max_runtime_ratio: Annotated[float, Field(gt=1)]
    max_memory_ratio: Annotated[float, Field(gt=1)]
    max_memory_share: Share
    parity_series: Positive
    coverage_band: Share
    shadow_share: Share
    max_look_age_hours: Annotated[float, Field(gt=0)]
    notify: NotifyParams
    signals: SignalParams


class DeliverParams(_Section):
    """Where tables and orders are published for others; no variable: nowhere."""

    url_env: Variable | None
    db_schema: str | None
    keep_runs: Positive


class RetentionParams(_Section):
    """How long what was published is kept, in days of its age against the newest table, and files
    as they were sent, against the newest delivery.
    """

    whole_days: Annotated[int, Field(ge=14)]
    first_week_days: Positive
    order_days: Positive
    archive_days: Positive


class DrillParams(_Section):
    """Failure on purpose."""

    seed: Seed
    graceful_loss: Annotated[float, Field(gt=0)]
    catastrophic_loss: Annotated[float, Field(gt=0)]
    catastrophic_coverage_lost: Annotated[float, Field(gt=0, lt=1)]


class ReportsParams(_Section):
    """How the planner's page calls things."""

    unit: Annotated[str, Field(min_length=1, max_length=20)]

    @property
    def is_money(self) -> bool:
        """Whether `y` is money already: no price makes it money a second time."""
        return self.unit != "units"


class Params(_Section):
    """The whole of params.yaml, the profile of `source.kind` already laid over it."""

    source: SourceParams
    ingest: IngestParams
    features: FeatureParams
    train: TrainParams
    evaluate: EvaluateParams
    inference: InferenceParams
    scale: ScaleParams
    ordering: OrderingParams
    monitor: MonitorParams
    deliver: DeliverParams
    reports: ReportsParams
    retention: RetentionParams
    drills: DrillParams
