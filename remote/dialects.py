"""What differs from database to database, stated once: drivers, limits, and whose fault an error
is.
"""

from __future__ import annotations

from dataclasses import dataclass

_CONNECT_S = 15


@dataclass(frozen=True)
class Dialect:
    """One kind of database. `driver`: used where the url names none. `timeout`: the argument of
    these drivers that limits how long they wait for a connection. `reading`: the statement that
    makes a connection one for reading.
    """

    driver: str | None = None
    timeout: str | None = None
    timed_drivers: tuple[str, ...] = ()
    reading: str | None = None


_MYSQL = Dialect(timeout="connect_timeout", timed_drivers=("pymysql", "mysqldb"))
_DIALECTS = {
    "postgresql": Dialect(
        driver="psycopg",
        timeout="connect_timeout",
        timed_drivers=("psycopg", "psycopg2"),
        reading="set transaction read only",
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": Dialect(reading="pragma query_only = on"),
}
_OTHER_NAMES = {"postgres": "postgresql"}

# classes of SQLSTATE that another try may mend: connection, login, no such database, rolled back
# by another transaction, resources, busy, ended by its operator, the system's own errors
_PASSING_STATES = ("08", "28", "3D", "40", "53", "55", "57", "58", "HYT")
# the same of SQLite, by the head of its names
_PASSING_OF_SQLITE = (
    "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL",
    "SQLITE_PROTOCOL", "SQLITE_INTERRUPT",
)  # fmt: skip
# and of MySQL: its server's numbers for logins, limits and locks; 2000 to 2999 are its client's
_DRIVERS_OF_MYSQL = ("pymysql", "MySQLdb", "mysql", "mariadb")
_PASSING_OF_MYSQL = (
    1040, 1041, 1042, 1043, 1044, 1045, 1049, 1053, 1077, 1079, 1081, 1129, 1130, 1152, 1158, 1159,
    1160, 1161, 1203, 1205, 1206, 1213, 1226, 1317, 1836, 3024, 3159,
)  # fmt: skip


def driver_name(drivername: str) -> str:
    """The dialect and driver of a url's head; a name that alone says a driver we know."""
    name = _OTHER_NAMES.get(drivername, drivername)
    driver = dialect_of(name).driver
    return f"{name}+{driver}" if driver else name


def dialect_of(name: str) -> Dialect:
    """What is known of a database; nothing of one that nobody here knows."""
    return _DIALECTS.get(name, Dialect())


def connect_arguments(name: str, driver: str) -> dict[str, int]:
    """How long a driver waits for a connection, in its own words."""
    known = dialect_of(name)
    return {known.timeout: _CONNECT_S} if known.timeout and driver in known.timed_drivers else {}


def is_passing(error: BaseException) -> bool:
    """Whether a driver's error is of the connection, its limits or its locks, so that another try
    may succeed, and not of the statement. What says nothing of itself responded to nobody.
    """
    home = type(error).__module__.partition(".")[0]
    if home == "sqlite3":  # one without a name is of Python's module, like text that is none
        return str(getattr(error, "sqlite_errorname", "")).startswith(_PASSING_OF_SQLITE)
    code = getattr(error, "sqlstate", None) or next(iter(error.args), None)
    if home in _DRIVERS_OF_MYSQL and isinstance(code, int):
        return 2000 <= code < 3000 or code in _PASSING_OF_MYSQL
    is_state = isinstance(code, str) and len(code) == len("08006") and code.isalnum()
    return not is_state or str(code).startswith(_PASSING_STATES)
