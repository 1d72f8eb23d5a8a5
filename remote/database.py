"""A connection to somebody else's database, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_plus

from sqlalchemy import Connection, create_engine, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from contract.errors import BadParams, MemoryRefused, RemoteUnreachable, SourceMissing
from remote.environment import url_in, without_secrets

_CONNECT_S = 15
# of drivers with such a thing: a name that alone says the driver we know
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_TIMEOUTS = dict.fromkeys(("psycopg", "psycopg2", "pymysql", "mysqldb"), "connect_timeout")
_READ_ONLY = {"postgresql": "set transaction read only"}


@contextmanager
def connected(variable: str, *, is_reading: bool) -> Iterator[Connection]:
    """A connection to the database whose url the environment variable holds; one for reading is
    read-only where the database has such a thing. Committed by the caller, rolled back else.

    BadParams for a url that is none or a driver that is not installed, SourceMissing for what is
    not there or not allowed, RemoteUnreachable for a database that does not respond or was cut off.
    No message holds the url's secrets.
    """
    url = _url_of(variable)
    try:
        limit = _TIMEOUTS.get(url.get_driver_name())
        arguments = {limit: _CONNECT_S} if limit else {}
        engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, connect_args=arguments
        )
        if engine.dialect.is_async:
            raise ValueError(f"the driver {url.get_driver_name()} is for asynchronous programs")
    except (ImportError, exc.ArgumentError, ValueError) as error:
        raise BadParams(
            f"{variable} cannot be used: {_said(error, url)}. Is the driver of "
            f"'{url.drivername}' installed (`make extras` brings psycopg for PostgreSQL)?"
        ) from None
    try:
        with engine.connect() as con:
            if is_reading and (statement := _READ_ONLY.get(con.dialect.name)):
                con.exec_driver_sql(statement)
            yield con
    except exc.SQLAlchemyError as error:
        # without its cause: a traceback would print the parameters of the connection
        raise _as_ours(error, variable, url) from None
    finally:
        engine.dispose()


def _url_of(variable: str) -> URL:
    try:
        url = make_url(url_in(variable))
    except (exc.ArgumentError, ValueError):
        raise BadParams(
            f"{variable} holds no url of a database. Write it as "
            "dialect://user:password@host:port/database, with %-signs for special characters."
        ) from None
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceMissing(
            f"{variable} names the SQLite file '{url.database}', which is not there. None is made."
        )
    return url


def _as_ours(
    error: exc.SQLAlchemyError, variable: str, url: URL
) -> SourceMissing | RemoteUnreachable | MemoryRefused:
    said = _said(error, url)
    cause = getattr(error, "orig", None)
    if isinstance(cause, MemoryError):
        return MemoryRefused(f"reading {variable} needs more memory than there is ({said}).")
    is_cut = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if is_cut or _is_of_connection(error):
        return RemoteUnreachable(
            f"the database of {variable} does not respond, refuses the login, or broke off: "
            f"{said}. Nothing was taken of what was not whole. Check address, password and server, "
            "then run the same command again."
        )
    return SourceMissing(
        f"the database of {variable} refuses: {said}. Does the table or column still exist, and "
        "may this user use it?"
    )


def _is_of_connection(error: exc.SQLAlchemyError) -> bool:
    """Whether the connection failed and not the statement: PostgreSQL's classes 08, 28, 53 and 57,
    and what has no state at all because nobody responded.
    """
    if not isinstance(error, exc.OperationalError | exc.InterfaceError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return str(state)[:2] in ("08", "28", "3D", "53", "57")
    said = str(error.orig).casefold()
    return "no such" not in said and "syntax" not in said and "readonly" not in said


def _said(error: BaseException, url: URL) -> str:
    """The first line of what the driver said, without secrets."""
    said = str(getattr(error, "orig", None) or error).strip()
    password = str(url.password) if url.password else None
    raw = url.render_as_string(hide_password=False)
    quoted = unquote_plus(password) if password else None
    return without_secrets((said.splitlines() or ["no reason given"])[0], raw, password, quoted)
