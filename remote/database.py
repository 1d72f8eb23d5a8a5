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
from remote.dialects import connect_arguments, dialect_of, driver_name, is_passing
from remote.environment import url_in, without_secrets


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
        limits = connect_arguments(url.get_backend_name(), url.get_driver_name())
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=limits)
        if engine.dialect.is_async:
            raise ValueError(f"the driver {url.get_driver_name()} is for asynchronous programs")
    except (ImportError, exc.ArgumentError, ValueError) as error:
        raise BadParams(
            f"{variable} cannot be used: {_said(error, url)}. Is the driver of "
            f"'{url.drivername}' installed (`make extras` brings psycopg for PostgreSQL)?"
        ) from None
    try:
        with engine.connect() as con:
            if is_reading and (statement := dialect_of(con.dialect.name).reading):
                con.exec_driver_sql(statement)
            yield con
    except exc.SQLAlchemyError as error:
        # without its cause: a traceback would print the parameters of the connection
        raise _as_ours(error, variable, url, _READING if is_reading else _WRITING) from None
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
    url = url.set(drivername=driver_name(url.drivername))
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceMissing(
            f"{variable} names the SQLite file '{url.database}', which is not there. None is made."
        )
    return url


_READING = (
    "Nothing was taken of what was not whole",
    "Do table and columns still exist, may this user use them, and does a query of yours "
    "(source.sql.facts) run there by itself?",
)
_WRITING = (
    "What is there is as it was",
    "Does the schema exist (deliver.db_schema), and may this user make, read and write tables "
    "there?",
)


def _as_ours(
    error: exc.SQLAlchemyError, variable: str, url: URL, words: tuple[str, str]
) -> SourceMissing | RemoteUnreachable | MemoryRefused:
    said = _said(error, url)
    cause = getattr(error, "orig", None)
    if isinstance(cause, MemoryError):
        return MemoryRefused(f"reading {variable} needs more memory than there is ({said}).")
    is_cut = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    is_of_operation = isinstance(error, exc.OperationalError | exc.InterfaceError)
    if is_cut or (is_of_operation and cause is not None and is_passing(cause)):
        return RemoteUnreachable(
            f"the database of {variable} does not respond, refuses the login, is busy or broke "
            f"off: {said}. {words[0]}. Check address, password and server, then run the same "
            "command again."
        )
    return SourceMissing(f"the database of {variable} refuses: {said}. {words[1]}")


def _said(error: BaseException, url: URL) -> str:
    """The first line of what the driver said, without secrets."""
    said = str(getattr(error, "orig", None) or error).strip()
    password = str(url.password) if url.password else None
    raw = url.render_as_string(hide_password=False)
    quoted = unquote_plus(password) if password else None
    return without_secrets((said.splitlines() or ["no reason given"])[0], raw, password, quoted)
