"""SQL texts in the code, with one word of them changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SQL = re.compile(
    r"\s*(select|insert|update \S+\s+set|delete from|create (or|table|view|temp)|merge into"
    r"|with (recursive )?\w+( \([^)]*\))? as|from \w+|where |case when)\b"
)
_CHANGES = [
    (r"(?<=\s)<=(?=\s)", "<"),
    (r"(?<=\s)>=(?=\s)", ">"),
    (r"(?<=\s)<(?=\s)", "<="),
    (r"(?<=\s)>(?=\s)", ">="),
    (r"(?<=\s)=(?=\s)", "<>"),
    (r"(?<=\s)<>(?=\s)", "="),
    (r"(?<=\s)and(?=\s)", "or"),
    (r"(?<!create)(?<!insert)(?<=\s)or(?=\s)(?!\s+replace)", "and"),
    (r"(?<=\s)desc\b", "asc"),
    (r"(?<=order by )([\w.]+)(?!\s+desc)", r"\1 desc"),
    (r"coalesce\(([^(),]+),[^()]*\)", r"\1"),
    (r"is not null", "is null"),
    (r"is null", "is not null"),
    (r"left join", "join"),
    (r"anti join", "semi join"),
    (r"semi join", "anti join"),
    (r"not exists", "exists"),
    (r"(?<=[\s(])distinct\s", ""),
    (r"arg_max\(", "arg_min("),
    (r"arg_min\(", "arg_max("),
    (r"(?<=[\s(])max\(", "min("),
    (r"(?<=[\s(])min\(", "max("),
    (r"union all", "union"),
    (r"(?<=\s)\+(?=\s)", "-"),
    (r"(?<=\s)-(?=\s)", "+"),
    (r"interval 1 ", "interval 2 "),
    (r"limit 1\b", "limit 2"),
    (r"(?<=sum\()", "- "),
]


def variants(text: str, whole: str | None = None) -> Iterator[str]:
    """The text with one word changed, for each that can be; none where it, or the `whole` it is
    part of, is no SQL.
    """
    if not _SQL.match(whole or text):
        return
    for pattern, instead in _CHANGES:
        for match in re.finditer(pattern, text):
            yield text[: match.start()] + match.expand(instead) + text[match.end() :]
