"""Numbers as tills, spreadsheets and accountants write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl
import polars.selectors as cs

from contract.errors import BadInput
from sources.texts import plain_text

MARKS = (".", ",")
SETTING = "source.files.decimal"
_LEAST_AGREEMENT = 0.99  # share of the telling texts that must tell the same
# words that multiply a number or turn its sign, and so are no unit
_NO_UNIT = (
    r"^(?:(?i:k|mn|mln|mil|mio|mill?ions?|millionen|mrd|mia|bn|b|cr|dr|lakhs?|lacs?|crores?|tsd|"
    r"tausend|thousand|hundred|e)\.?|M|T)$"
)
_CURRENCIES = (
    *("eur", "usd", "gbp", "chf", "jpy", "cny", "inr", "aud", "cad", "nzd", "sek", "nok", "dkk"),
    *("pln", "czk", "huf", "ron", "bgn", "try", "rub", "uah", "brl", "mxn", "ars", "clp", "cop"),
    *("pen", "zar", "ngn", "kes", "egp", "mad", "aed", "sar", "ils", "krw", "thb", "vnd", "idr"),
    *("myr", "sgd", "php", "hkd", "twd", "pkr", "bdt", "lkr", "rs", "rs.", "kr", "kr.", "fr"),
    *("fr.", "sfr", "sfr.", "zł", "kč", "ft", "lei", "r", "rm", "rp", "s/", "s/.", "tl", "us$"),
    *("r$", "a$", "c$", "ca$", "au$", "nz$", "hk$", "s$", "nt$", "mx$", *"€$£¥₹₺₽₴₪₩฿₫₱₦¢"),
)
_SAME_UNIT = {"€": "eur", "$": "usd", "us$": "usd", "£": "gbp", "₹": "inr", "rs": "inr"}
_PLURAL = r"^(.{2,}?)(?:e?s)?\.?$"  # pc, pcs and pcs. are one unit
_WRITTEN = (
    r"^(?P<sign1>[-+(]?)\s*(?P<front>[\p{L}\p{Sc}][\p{L}\p{Sc}./]*)?\s*(?P<sign2>[-+(]?)\s*"
    r"(?P<body>\d[\d.,' ]*|[.,]\d+)\s*(?P<sign3>[-+)]?)\s*"
    r"(?P<back>[\p{L}\p{Sc}%/][\p{L}\p{Sc}%/.²³ ]*)?\s*(?P<sign4>[-+)]?)$"
)
_CORE = r"(\d[\d.,' ]*\d|\d|[.,]\d+)"
_AMBIGUOUS = r"^[1-9]\d{0,2}[.,]\d{3}$"


@dataclass(frozen=True)
class Evidence:
    """How many texts can only be read with '.' and with ',' as the decimal mark, an example of
    each; and one that could be read either way.
    """

    rows: dict[str, int]
    examples: dict[str, str]
    ambiguous: str | None
    texts: int  # fields with anything in them
    has_bare_thousands: bool  # 1234 without any mark: then nothing marks thousands here

    @property
    def marks(self) -> set[str]:
        """The decimal marks that some text proves."""
        return {mark for mark in MARKS if self.rows[mark]}


def evidence_in(text: pl.Series) -> Evidence:
    """What a column's texts say of the decimal mark. Cheap where none is in doubt."""
    nothing = Evidence({".": 0, ",": 0}, {}, None, 0, has_bare_thousands=False)
    is_marked = text.str.contains(r"[.,\u066b]").fill_null(value=False)
    if not is_marked.any():
        return nothing
    first = text[is_marked.arg_max()]
    is_plain = re.search(r"\d\.\d{1,2}$", first) is not None
    if is_plain and not text.str.contains(r"[,\u066b]|\.\d{3}\D*$|\..*\.").any():
        return Evidence({".": 1, ",": 0}, {".": first}, None, 1, has_bare_thousands=False)
    core = plain_text(text).str.extract(_CORE)
    proofs = {mark: text.filter(core.str.contains(_only_with(mark))) for mark in MARKS}
    return Evidence(
        {mark: proof.len() for mark, proof in proofs.items()},
        {mark: str(proof[0]) for mark, proof in proofs.items() if proof.len()},
        next(iter(text.filter(core.str.contains(_AMBIGUOUS)).head(1)), None),
        text.len() - text.null_count(),
        bool(core.str.contains(r"^\d{4,}$").any()),
    )


def decimal_mark(name: str, own: Evidence, elsewhere: set[str], stated: str | None) -> str:
    """The decimal mark of column `name`. BadInput where its texts contradict what params state, or
    each other, or where '1.234' could be either: then the other columns may prove that its mark
    stands for thousands, never that it does not.
    """
    if stated is not None:
        other = "," if stated == "." else "."
        if own.marks == {other} and own.rows[other] >= (1 - _LEAST_AGREEMENT) * own.texts:
            raise BadInput(
                f"column '{name}' writes {own.examples[other]!r}, but shop.yaml says {SETTING}: "
                f"'{stated}'. Correct it, or leave it null to have it found out."
            )
        return stated
    if own.marks:
        best = max(MARKS, key=own.rows.__getitem__)
        if own.rows[best] >= _LEAST_AGREEMENT * sum(own.rows.values()):
            return best
        raise BadInput(
            f"column '{name}' writes {own.examples['.']!r} and {own.examples[',']!r}: two decimal "
            f"marks. Set {SETTING} in shop.yaml to the right one; the other rows are refused."
        )
    if own.ambiguous is None:
        return "."
    mark = next(mark for mark in MARKS if mark in plain_text(pl.Series([own.ambiguous]))[0])
    if own.has_bare_thousands:
        return mark
    other = "," if mark == "." else "."
    if elsewhere == {other}:
        return other
    whole, broken = own.ambiguous.replace(mark, ""), own.ambiguous.replace(mark, ".")
    raise BadInput(
        f"column '{name}' writes numbers like {own.ambiguous!r}, which is {whole} if '{mark}' "
        f"marks thousands and {broken} if it is the decimal mark: every fraction has three digits. "
        f"Set {SETTING} in shop.yaml: '{other}' for the first, '{mark}' for the second."
    )


def read_numbers(text: pl.Series, decimal: str, *, takes_percent: bool) -> pl.Series:
    """The numbers, null where there is none or where it cannot be read. Of a unit behind a number
    (kg, EUR) all must carry the same one: what carries another, or none, is not read.
    """
    number = text.cast(pl.Float64, strict=False)
    if decimal == "," and (is_marked := text.str.contains(".", literal=True)).any():
        number = number.set(is_marked, None)
    rest = number.is_null() & text.is_not_null()
    if not rest.any():
        return number
    written = _written(text.filter(rest), decimal)
    unit = _unit_of_most(written["unit"], plain=int((number != 0).sum()))
    if unit == "%" and not takes_percent:
        return number
    if unit:
        number = number.set(number != 0, None)
    is_of_unit = (written["unit"] == unit) | (written["number"] == 0)
    read = written["number"].set(~is_of_unit, None) / (100 if unit == "%" else 1)
    return number.scatter(rest.arg_true(), read)


def loose_numbers(text: pl.Series) -> pl.Series:
    """About how large the numbers in these texts are, whatever is wrong with them."""
    whole = plain_text(text).str.replace_all(r"[.,' ](\d{3})", "$1")
    return whole.str.extract(r"(\d+)").cast(pl.Float64, strict=False)


def _only_with(mark: str) -> str:
    """Matches a number that can only be one if `mark` is its decimal mark."""
    own, other = rf"\{mark}", r"\." if mark == "," else ","
    return "|".join(
        (
            rf"^[^{own}]*{other}[^{own}]*{own}\d*$",  # 1.234,5
            rf"^[^{own}{other}]*{own}(?:\d{{1,2}}|\d{{4,}})$",  # 1,5
            rf"^0*{own}\d+$",  # 0,500
            rf"^\d{{4,}}{own}\d{{3}}$",  # 1234,500
            rf"^\d{{1,3}}(?:[ ']\d{{3}})+{own}\d{{3}}$",  # 1 234,500
            rf"^\d{{1,3}}(?:{other}\d{{2,3}})+{other}\d{{3}}$",  # 1.234.567
        )
    )


def _written(text: pl.Series, decimal: str) -> pl.DataFrame:
    """number (null: none) and unit (in small letters, '' for none) of each text."""
    plain = plain_text(text).str.replace_all("`", "'", literal=True)
    plain = plain.str.replace(r"(\d)[.,]-{1,2}(\D*)$", "$1$2")  # 5.- is five whole
    part = pl.DataFrame({"part": plain.str.extract_groups(_WRITTEN)}).unnest("part")
    part = part.with_columns(cs.string().str.strip_chars().fill_null(""))
    signs = pl.concat_str("sign1", "sign2", "sign3", "sign4")
    size = pl.when(pl.col("body").str.contains(_grouped(decimal))).then(_bare("body", decimal))
    unit = pl.concat_str(
        pl.col(side).str.to_lowercase().str.replace(_PLURAL, "$1").replace(_SAME_UNIT)
        for side in ("front", "back")
    )
    is_wrong = (
        ~signs.is_in(["", "+", "-", "()"])
        | ~pl.col("front").str.to_lowercase().is_in(["", *_CURRENCIES])
        | pl.col("back").str.contains(_NO_UNIT)
    )
    sign = pl.when(signs.is_in(["-", "()"])).then(-1.0).otherwise(1.0)
    return part.select(number=pl.when(~is_wrong).then(size * sign), unit=unit)


def _grouped(decimal: str) -> str:
    """Matches digits in groups of three (or of India: two, the last one three) and a fraction."""
    thousands = "." if decimal == "," else ","
    marked = "|".join(
        rf"\d{{1,3}}(?:\{mark}\d{{3}})+|\d{{1,2}}(?:\{mark}\d{{2}})+\{mark}\d{{3}}"
        for mark in (thousands, "'", " ")
    )
    return rf"^(?:\d+|{marked})?(?:\{decimal}\d*)?$"


def _bare(name: str, decimal: str) -> pl.Expr:
    thousands = "." if decimal == "," else ","
    digits = pl.col(name).str.replace_all(rf"[{thousands}' ]", "")
    return digits.str.replace(decimal, ".", literal=True).cast(pl.Float64, strict=False)


def _unit_of_most(units: pl.Series, plain: int) -> str:
    """The commonest unit, '' for none; `plain` counts numbers without one that stand beside."""
    counts = units.value_counts(name="rows", sort=True)
    rows = dict(counts.rows())
    rows[""] = rows.get("", 0) + plain
    return max(rows, key=rows.__getitem__)
