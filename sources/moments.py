"""The store's local day of a field: a day, or a moment and what its clock and zone say of it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from contract.errors import BadInput
from contract.written import EPOCH, EXCEL, LOCAL
from sources.days import excel_day, in_this_age, read_days
from sources.exchanged import refuse_exchanged
from sources.ids import read_ids
from sources.texts import plain_text

ISO = "%Y-%m-%d"
_DIGITS = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}  # parts of a second by the digits of an epoch
_UTC_NAMES = ("UTC", "Etc/UTC", "Zulu", "+00:00", "GMT", "Etc/GMT")
_TURNED = (  # how some programs write a moment, and the same with the day first and colons
    (r"^(\d{8})[T ]?(\d{2})(\d{2})(\d{2})?((?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?)$", "$1 $2:$3:$4$5"),
    (r"^(\d{4}-\d{2}-\d{2})[- ](\d{2})\.(\d{2})\.(\d{2})", "$1 $2:$3:$4"),
    (r"^(\d{1,2}:\d{2}(?::\d{2})?),?\s+(.*\d.*)$", "$2 $1"),
    (r" (\d{2}:\d{2}:\d{2})( \S+)? (\d{4})$", " $3 $1$2"),
)
_MOMENT = (
    r"^(?P<head>.*?\d.*?)(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})?(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp])?(?:\.?\s?[Mm]\b\.?)?\s*(?P<zone>\S.*)?$"
)
_UTC = r"^(?:Z|(?i:UTC|GMT)(?:[+-]0{1,2}:?(?:00)?)?)$"
_ZERO = r"^[+-]00(?::?00)?$"
_OFFSET = r"^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})?"
_HOUR, _DAY = 3600, 86_400
_LEAST_ROWS, _LEAST_LINES = 5, 20  # of fewer, one hour that all stand at may be chance


@dataclass(frozen=True)
class DayManner:
    """How the days of a column are written. `name` is the column's, for messages."""

    name: str
    date_format: str | None = None
    time_zone: str | None = None
    are_lines: bool = False  # rows are invoice lines, which are written all day


def local_days(column: pl.Series, manner: DayManner) -> pl.Series:
    """The store's day of each field; null where none is written, or where nobody can say which.

    A day is taken as written, and a moment's clock cut off, with its zone; see docs/design/data.md,
    What a field says. BadInput where all moments stand at the hour that is another zone's midnight,
    and where day and month were exchanged.
    """
    days = _read_days(column, manner)
    if manner.date_format is None:
        refuse_exchanged(days, manner.name)
    return days


def _read_days(column: pl.Series, manner: DayManner) -> pl.Series:
    if column.dtype == pl.Date:
        return pl.select(in_this_age(pl.lit(column))).to_series()
    if isinstance(column.dtype, pl.Datetime):
        return _days_of(_typed_parts(column), manner)
    text = read_ids(column)
    if manner.date_format in (None, ISO):
        iso = text.str.to_date(ISO, strict=False)
        days = pl.select(in_this_age(pl.lit(iso))).to_series()
        if days.null_count() == text.null_count():
            return days
    texts = text.drop_nulls().value_counts(name="rows").rename({text.name: "text"})
    days = _days_of(_parts(texts["text"], texts["rows"], manner), manner)
    return text.replace_strict(texts["text"], days, default=None, return_dtype=pl.Date)


def _typed_parts(column: pl.Series) -> pl.DataFrame:
    kind = column.dtype
    zone = kind.time_zone if isinstance(kind, pl.Datetime) else None
    local = column.dt.replace_time_zone(None).cast(pl.Datetime("us")).alias("local")
    clock = pl.col("local").dt
    seconds = clock.hour().cast(pl.Int64) * _HOUR + clock.minute().cast(pl.Int64) * 60
    return local.to_frame().select(
        day=in_this_age(clock.date()),
        second=seconds + clock.second(),
        rows=pl.lit(1, pl.Int64),
        zone=pl.lit("utc" if zone in _UTC_NAMES else "named" if zone else None, pl.String),
        offset=pl.lit(0, pl.Int64),
    )


def _parts(text: pl.Series, rows: pl.Series, manner: DayManner) -> pl.DataFrame:
    """day, second of it (null: no clock), rows, zone (utc, zero, offset, named, null) and offset in
    seconds, of distinct texts.
    """
    plain = _epochs_spelled(plain_text(text), rows, manner.date_format)
    for pattern, turned in _TURNED:
        plain = plain.str.replace(pattern, turned)
    parts = pl.DataFrame({"text": plain, "rows": rows}).with_columns(
        part=pl.col("text").str.extract_groups(_MOMENT)
    )
    parts = parts.unnest("part").with_columns(head=pl.coalesce("head", "text"))
    if manner.date_format in (None, EPOCH):
        heads = parts.group_by("head").agg(pl.col("rows").sum())
        read = read_days(heads["head"], heads["rows"], manner.name)
        day = parts["head"].replace_strict(heads["head"], read, default=None, return_dtype=pl.Date)
    else:
        day = parts.select(_stated(manner.date_format)).to_series()
    return parts.select(day=day, second=_second(), rows="rows", zone=_zone(), offset=_offset())


def _second() -> pl.Expr:
    hour, minute, second = (pl.col(name).cast(pl.Int64) for name in ("hour", "minute", "second"))
    half = pl.col("half").str.to_lowercase()
    hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + (half == "p") * 12)
    return hour * _HOUR + minute * 60 + second.fill_null(0)


def _zone() -> pl.Expr:
    zone = pl.col("zone")
    return (
        pl.when(zone.str.contains(_UTC)).then(pl.lit("utc"))
        .when(zone.str.contains(_ZERO)).then(pl.lit("zero"))
        .when(zone.str.contains(_OFFSET)).then(pl.lit("offset"))
        .when(zone.is_not_null()).then(pl.lit("named"))
    )  # fmt: skip


def _offset() -> pl.Expr:
    part = pl.col("zone").str.extract_groups(_OFFSET)
    hours, minutes = (part.struct.field(at).cast(pl.Int64).fill_null(0) for at in ("2", "3"))
    size = hours * _HOUR + minutes * 60
    return pl.when(part.struct.field("1") == "-").then(-size).otherwise(size)


def _stated(form: str) -> pl.Expr:
    """The day by a stated format; where it has no clock, that and the zone are no matter."""
    if form == EXCEL:
        return excel_day(pl.col("text"))
    if any(mark in form for mark in ("%H", "%I", "%M", "%S", "%T", "%R")):
        # read as a zone, it would move the day to UTC's
        bare = form.replace("%z", "").replace("%Z", "").rstrip()
        text = pl.col("text")
        if bare != form:
            text = text.str.replace(r"\s*(?:Z|UTC|[+-]\d{2}:?\d{2})$", "")
        return in_this_age(text.str.to_datetime(bare, strict=False).dt.date())
    return in_this_age(pl.col("head").str.to_date(form, strict=False))


def _epochs_spelled(text: pl.Series, rows: pl.Series, form: str | None) -> pl.Series:
    """Seconds since 1970 as moments in UTC, where most of a column are such, or it is stated."""
    if form not in (None, EPOCH):
        return text
    number = text.str.extract(r"^(\d{10,19})(?:[.,]\d*)?$")
    size = number.str.len_chars().replace_strict(_DIGITS, default=None, return_dtype=pl.Int64)
    if form is None and 2 * rows.filter(size.is_not_null()).sum() < rows.sum():
        return text
    seconds = number.cast(pl.Int64, strict=False) // size
    moment = pl.select(pl.from_epoch(pl.lit(seconds), time_unit="s")).to_series()
    spelled = moment.dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    return spelled if form == EPOCH else text.zip_with(spelled.is_null(), spelled)


def _days_of(parts: pl.DataFrame, manner: DayManner) -> pl.Series:
    """The store's day of each moment."""
    if manner.time_zone == LOCAL or not (parts["second"] > 0).any():  # midnight: a mere day
        return parts["day"]
    is_zoned = pl.col("zone").is_in(["utc", "zero", "offset"])
    if manner.time_zone is not None:
        day = _converted(manner.time_zone)
        parts = parts.with_columns(day=pl.when(is_zoned).then(day).otherwise("day"))
        unzoned = parts.filter(~is_zoned.fill_null(value=False))
        if not _all_at_one_hour(unzoned, manner):
            return parts["day"]
        return _from_utc(parts, is_zoned, manner)
    is_own_clock = bool((parts["zone"] == "offset").any())  # +0000 in winter, +0100 in summer
    is_utc = (pl.col("zone") == "utc") | ((pl.col("zone") == "zero") & (not is_own_clock))
    is_utc = is_utc.fill_null(value=False)
    if _all_at_one_hour(parts.filter(~is_utc), manner):
        raise BadInput(_at_midnight_elsewhere(parts, manner))
    is_said = ~is_utc | (pl.col("second").fill_null(0) == 0)
    return parts.select(pl.when(is_said).then("day")).to_series()


def _converted(time_zone: str) -> pl.Expr:
    """The day in that zone of a moment with an offset from UTC; a day without a clock is itself."""
    moment = pl.col("day").cast(pl.Datetime("us")) + pl.duration(
        seconds=pl.col("second") - pl.col("offset")
    )
    local = moment.dt.replace_time_zone("UTC").dt.convert_time_zone(time_zone)
    return pl.when(pl.col("second").is_not_null()).then(local.dt.date()).otherwise("day")


def _from_utc(parts: pl.DataFrame, is_zoned: pl.Expr, manner: DayManner) -> pl.Series:
    """Moments without a zone that all stand at one hour, as those of UTC: right where they are then
    midnight in the stated zone.
    """
    zone = str(manner.time_zone)
    moment = pl.col("day").cast(pl.Datetime("us")) + pl.duration(seconds="second")
    local = moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    read = parts.with_columns(
        local=pl.when(~is_zoned.fill_null(value=False)).then(local.dt.replace_time_zone(None))
    )
    at = read["local"].drop_nulls()
    if (at.dt.hour() != 0).any() or (at.dt.minute() != 0).any():
        raise BadInput(_at_midnight_elsewhere(parts, manner))
    return read.select(pl.coalesce(pl.col("local").dt.date(), "day")).to_series()


def _all_at_one_hour(parts: pl.DataFrame, manner: DayManner) -> bool:
    """Whether all moments stand at one hour of the afternoon or evening, or at two that summer time
    sets apart: midnight as another zone's clock shows it, a day too early.
    """
    if int(parts["rows"].sum()) < (_LEAST_LINES if manner.are_lines else _LEAST_ROWS):
        return False
    if parts["second"].null_count():
        return False
    at = parts["second"].unique().sort().to_list()
    is_late, is_quarter = at[-1] >= _DAY // 2 + _HOUR, all(second % 900 == 0 for second in at)
    apart = len(at) == 1 or (len(at) == 2 and at[1] - at[0] in (_HOUR, _DAY - _HOUR))
    return is_late and is_quarter and apart


def _at_midnight_elsewhere(parts: pl.DataFrame, manner: DayManner) -> str:
    hours = parts["second"].drop_nulls().unique().sort().to_list()
    clocks = " or ".join(f"{at // _HOUR:02}:{at % _HOUR // 60:02}" for at in hours[:2])
    stated = "" if manner.time_zone is None else f" and is not midnight in {manner.time_zone}"
    return (
        f"column '{manner.name}' holds moments that all stand at {clocks}{stated}: midnight by the "
        "clock of another time zone, where it is still the day before. Set source.files.time_zone "
        "in shop.yaml to the stores' zone, like Europe/Berlin, and they are read as UTC; or to "
        f"'{LOCAL}' if they are the stores' own time."
    )
