"""A table or query of somebody else's as something to select from, with the columns it has now."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, FromClause, column, select, table, text

from contract.errors import SourceMissing
from contract.params import TableParams

# what a semicolon or a colon means nothing in: texts, names, comments; then any other sign
_PIECE = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|.", re.DOTALL
)
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


def rows_of(con: Connection, source: TableParams) -> FromClause:
    """The table or query, to select from; SourceMissing where two of its columns have one name."""
    if source.query is not None:
        return _of_query(con, source.query)
    schema, _, name = (source.table or "").rpartition(".")
    bare = table(name, schema=schema or None)
    names = list(con.execute(select(text("*")).select_from(bare).where(text("1 = 0"))).keys())
    return table(name, *(column(one) for one in names), schema=schema or None)


def need(rows: FromClause, names: Iterable[str | None]) -> None:
    """SourceMissing for a name that is no column."""
    for name in names:
        if name is not None and name not in rows.c:
            raise SourceMissing(
                f"there is no column '{name}'; there are {list(rows.c.keys())[:20]}. "
                "Change source.sql.facts or source.files.columns in shop.yaml."
            )


def _of_query(con: Connection, query: str) -> FromClause:
    # a colon is no name of a parameter: nothing is put into the user's own query. A line of its
    # own for what follows: the query may end with a comment
    statement = _PARAMETER.sub(r"\\:", _without_end(query)) + "\n"
    # the user's own text, in brackets and on a connection for reading
    none_of = text(f"select * from ({statement}) own where 1 = 0")  # noqa: S608 -- theirs
    names = list(con.execute(none_of).keys())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceMissing(
            f"the query has several columns called {twice}. Name each column it selects, once."
        )
    return text(statement).columns(*(column(name) for name in names)).subquery("own")


def _without_end(query: str) -> str:
    """The query without the semicolon that ends it; comments after it may stay."""
    pieces = [piece[0] for piece in _PIECE.finditer(query)]
    for at in range(len(pieces) - 1, -1, -1):
        if pieces[at] == ";":
            pieces[at] = " "
        elif pieces[at].strip() and not pieces[at].startswith(("--", "/*")):
            break
    return "".join(pieces)
