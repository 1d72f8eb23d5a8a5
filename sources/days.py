"""Days as they are written: which shapes a column's texts have, and the one reading of each."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.errors import BadInput
from contract.written import EXCEL
from sources.calendar_words import MONTHS, WEEKDAYS

SETTING = "source.files.date_format"
_SEPARATED = r"^(\d{1,4})([-./, _]|年)\s*(\d{1,2})(?:[-./, _]|月)\s*(\d{1,4})(?:日|\.|\s?г\.?)?$"  # noqa: RUF001
_NAMED = r"^(?:(\d{1,4})\s+)?~\s+(?:(\d{1,2})\s+)?(\d{2,4})$"
_SEVEN = r"^(\d{7})$"
_WEEKDAY_FIRST = r"^\W*(\p{L}[\p{L}-]+)[.,]{0,2}\s+(.*\d.*(?:\d|\p{L}).*\d.*)$"
_WEEKDAY_LAST = r"^(\d+\D+(?:\d+|\p{L}+)\D+\d+)[\s,]+\(?(\p{L}{2,})\.?\)?$"
# readings of a shape: what the numbers a, b and c are; %y is a year of two digits
_READINGS = {
    "a year first": ("%Y{0}%m{0}%d",),
    "a year last": ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y"),
    "two digits each": ("%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d"),
    "eight digits": ("%Y%m%d", "%d%m%Y", "%m%d%Y"),
    "six digits": ("%y%m%d", "%d%m%y", "%m%d%y"),
    "a month's name": ("%d %b %Y",),
    EXCEL: (EXCEL,),
}
_DOTTED = "%d.%m.%Y"  # no country writes the month first between dots
_BARE = ("six digits", EXCEL)  # a bare number is a day only if most of its column are
# a reading of fewer rows than this share of the best one's is none: typing errors are rare
_RIVAL = 0.9
_LEAST_DENSE, _DENSER = 0.5, 20
_FIRST, _END = date(1900, 1, 1), date(2200, 1, 1)


def read_days(heads: pl.Series, rows: pl.Series, name: str) -> pl.Series:
    """The days that these distinct texts (each in `rows` rows of column `name`) name; null: none.

    Texts of one shape are read one way. BadInput where most rows have a shape that can be read as
    different days; of a shape that few have, such texts are null.
    """
    parts = _with_shape(pl.DataFrame({"text": heads, "rows": rows}).with_row_index("at"))
    read = [
        _of_shape(shape, str(key[0]), int(rows.sum()), name)
        for key, shape in parts.filter(pl.col("shape").is_not_null()).group_by("shape", "mark")
    ]
    if not read:
        return pl.Series("day", [None] * heads.len(), dtype=pl.Date)
    return parts.select("at").join(pl.concat(read), on="at", how="left").sort("at")["day"]


def in_this_age(day: pl.Expr) -> pl.Expr:
    """Null for a day no till has seen."""
    return pl.when(day.is_between(_FIRST, _END)).then(day)


def _with_shape(texts: pl.DataFrame) -> pl.DataFrame:
    """Adds weekday, the numbers a, b and c, the mark between them, and the shape of each text, null
    for none.
    """
    texts = _without_weekday(texts)
    word = pl.col("text").str.extract(r"(\p{L}{3,})")
    month = word.str.to_lowercase().replace_strict(MONTHS, default=None, return_dtype=pl.Int64)
    named = pl.col("text").str.replace(r"\p{L}{3,}\.?", " ~ ").str.replace_all(r"\p{L}+", " ")
    named = named.str.replace_all(r"[^\d~]+", " ").str.strip_chars()
    texts = texts.with_columns(
        month=month,
        # of 05012024 a spreadsheet leaves 5012024
        number=pl.col("text").str.replace(r"^(\d{5,})[.,]0+$", "$1").str.replace(_SEVEN, "0$1"),
        of_numbers=pl.col("text").str.extract_groups(_SEPARATED),
        of_name=pl.when(month.is_not_null()).then(named).str.extract_groups(_NAMED),
    )
    a, mark, b, c = (pl.col("of_numbers").struct.field(str(at)) for at in range(1, 5))
    before, beside, last = (pl.col("of_name").struct.field(str(at)) for at in range(1, 4))
    digits = pl.when(pl.col("number").str.contains(r"^\d+$")).then(pl.col("number").str.len_chars())
    is_named = last.is_not_null() & (before.is_null() != beside.is_null())
    shape = (
        pl.when(is_named).then(pl.lit("a month's name"))
        .when(a.str.len_chars() == 4).then(pl.lit("a year first"))
        .when(c.str.len_chars() == 4).then(pl.lit("a year last"))
        .when((a.str.len_chars() <= 2) & (c.str.len_chars() <= 2)).then(pl.lit("two digits each"))
        .when(digits == 8).then(pl.lit("eight digits"))
        .when(digits == 6).then(pl.lit("six digits"))
        .when((digits == 5) | pl.col("text").str.contains(r"^\d{5}[.,]\d+$")).then(pl.lit(EXCEL))
    )  # fmt: skip
    return texts.with_columns(
        shape=shape,
        mark=mark.fill_null(""),
        a=pl.when(is_named).then(pl.coalesce(before, beside)).otherwise(a),
        b=pl.when(is_named).then(month.cast(pl.String)).otherwise(b),
        c=pl.when(is_named).then(last).otherwise(c),
    ).drop("of_numbers", "of_name", "month")


def _without_weekday(texts: pl.DataFrame) -> pl.DataFrame:
    """The texts without a weekday's name before or behind, and its number; null where none is."""
    first = pl.col("text").str.extract_groups(_WEEKDAY_FIRST)
    last = pl.col("text").str.extract_groups(_WEEKDAY_LAST)
    day = pl.coalesce(
        word.str.to_lowercase().replace_strict(WEEKDAYS, default=None, return_dtype=pl.Int8)
        for word in (first.struct.field("1"), last.struct.field("2"))
    )
    rest = pl.coalesce(first.struct.field("2"), last.struct.field("1"))
    is_left = day.is_not_null() & rest.str.contains(r"\d.*(?:\d|\p{L}{3}).*\d")
    has_three = rest.str.count_matches(r"\d+|\p{L}{3,}") >= 3
    is_weekday = is_left & has_three
    return texts.with_columns(
        text=pl.when(is_weekday).then(rest).otherwise("text"),
        weekday=pl.when(is_weekday).then(day),
    )


def _of_shape(texts: pl.DataFrame, shape: str, rows: int, name: str) -> pl.DataFrame:
    """at, day: the texts of one shape and mark by the reading that fits them best."""
    own = int(texts["rows"].sum())
    if shape in _BARE and 2 * own < rows:
        return texts.select("at", day=pl.lit(None, pl.Date))
    readings = [form.format(texts["mark"][0]) for form in _READINGS[shape]]
    days = texts.sort("text").select(
        "at", "text", "rows", *(_of_weekday(_by(form, shape)).alias(form) for form in readings)
    )
    counts = {form: int(days.filter(pl.col(form).is_not_null())["rows"].sum()) for form in readings}
    best = max(counts, key=counts.__getitem__)
    rivals = [form for form in readings if counts[form] > _RIVAL * counts[best] > 0]
    if counts.get(_DOTTED) == counts[best] > 0:
        return days.select("at", day=pl.col(_DOTTED))
    best = _densest(days, rivals, best)
    for rival in rivals:
        differs = days.filter(pl.col(rival) != pl.col(best))
        if differs.is_empty() or _is_denser(days[best], days[rival], best, rival):
            continue
        if 2 * own < rows:
            return days.select("at", day=pl.lit(None, pl.Date))
        text, one, other = differs.select("text", rival, best).row(0)
        raise BadInput(
            f"column '{name}' writes days like {text!r}, which is {one} as '{rival}' and {other} "
            f"as '{best}'. Set {SETTING} in shop.yaml."
        )
    return days.select("at", day=pl.col(best))


def _densest(days: pl.DataFrame, rivals: list[str], best: str) -> str:
    """The best reading, or a rival whose days stand far closer."""
    return next((form for form in rivals if _is_denser(days[form], days[best], form, best)), best)


def _is_denser(days: pl.Series, others: pl.Series, form: str, other: str) -> bool:
    """Whether one reading gives days in a row, and the other, with another part as year, one day in
    many.

    Day and month taken for each other give days as dense: nothing but a person tells them apart.
    """
    if (form[:2] == "%y") == (other[:2] == "%y"):
        return False
    return _density(days) >= max(_LEAST_DENSE, _DENSER * _density(others))


def _density(days: pl.Series) -> float:
    """The share of the days from the first to the last that are there; 0 for fewer than three."""
    days = days.drop_nulls().unique()
    if days.len() < 3:
        return 0.0
    first, last = pl.DataFrame({"ds": days}).select(a=pl.min("ds"), z=pl.max("ds")).row(0)
    return float(days.len() / ((last - first).days + 1))


def _by(form: str, shape: str) -> pl.Expr:
    if shape == EXCEL:
        return excel_day(pl.col("number"))
    if shape in ("six digits", "eight digits"):
        return _plausible(pl.col("number").str.to_date(form, strict=False))
    order = form.replace("%", "").replace("b", "m")
    places = {part: "abc"[at] for at, part in enumerate(p for p in order if p in "dmyY")}
    year = pl.col(places.get("Y") or places["y"]).cast(pl.Int64)
    year = pl.when(year >= 100).then(year).when(year < 69).then(year + 2000).otherwise(year + 1900)
    text = pl.format(
        "{}-{}-{}", year, pl.col(places["m"]).str.zfill(2), pl.col(places["d"]).str.zfill(2)
    )
    if shape == "a month's name":  # 2024 Jan 31, too
        turned = pl.format(
            "{}-{}-{}", pl.col("a"), pl.col("b").str.zfill(2), pl.col("c").str.zfill(2)
        )
        text = pl.when(pl.col("a").str.len_chars() == 4).then(turned).otherwise(text)
    return in_this_age(text.str.to_date("%Y-%m-%d", strict=False))


def _of_weekday(day: pl.Expr) -> pl.Expr:
    """Null for a day that is not of the weekday written beside it."""
    is_another = (day.dt.weekday() != pl.col("weekday")).fill_null(value=False)
    return pl.when(~is_another).then(day)


def excel_day(number: pl.Expr) -> pl.Expr:
    """The day that Excel counts so; a fraction is a time of that day."""
    count = number.str.extract(r"^(\d{5})").cast(pl.Int64)
    return _plausible(date(1899, 12, 30) + pl.duration(days=count))


def _plausible(day: pl.Expr) -> pl.Expr:
    """Null for a day that hardly any till has seen: a bare number is a day only in our time."""
    return pl.when(day.is_between(date(1990, 1, 1), date(2070, 1, 1))).then(day)
