"""Who may do what: roles by token, forms that only this app's own pages can send, hosts it is
reached by (docs/design/planner.md, The app).
"""

from __future__ import annotations

import base64
import binascii
import getpass
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from contract.errors import BadUsage

PLANNER_TOKEN, READER_TOKEN = "TILLCAST_PLANNER_TOKEN", "TILLCAST_READER_TOKEN"
LEAST_CHARACTERS = 16
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CHANGES = ("POST",)
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")  # a name, its port

Role = Literal["planner", "reader"]


@dataclass(frozen=True)
class Person:
    """Who asks, and as what."""

    name: str
    role: Role


@dataclass(frozen=True)
class Access:
    """The rules of one process. No token: this machine alone, and whoever is on it is a planner."""

    host: str
    port: int
    planner_token: str | None
    reader_token: str | None
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def person(self, authorization: str | None) -> Person | None:
        """Who sends this header; None for nobody known."""
        if self.planner_token is None:
            return Person(getpass.getuser(), "planner")
        name, password = _basic(authorization)
        if _is_same(password, self.planner_token):
            return Person(name, "planner")
        if self.reader_token is not None and _is_same(password, self.reader_token):
            return Person(name, "reader")
        return None

    def is_own_host(self, host: str | None) -> bool:
        """Whether a request names the app by its own name; with a token any name is right, since
        a page of another name is not sent it by a browser.
        """
        if self.planner_token is not None:
            return True
        named = _HOST.fullmatch((host or "").lower())
        return named is not None and named[1].strip("[]") in LOOPBACK

    def form_token(self, person: Person) -> str:
        """What a form of this app carries; nobody else can make it, no other page can read it."""
        return hmac.new(self.secret, person.name.encode(), "sha256").hexdigest()

    def is_own_form(self, person: Person, token: str | None, origin: str | None, host: str) -> bool:
        """Whether a form was made by this process for this person, and sent from its own pages."""
        if origin is not None and origin.split("://", 1)[-1] != host:
            return False
        return _is_same(token or "", self.form_token(person))


def access_of(host: str, port: int, environment: Mapping[str, str]) -> Access:
    """The rules for an address; BadUsage for one that others reach without a token, or for a short
    token.
    """
    # set to nothing, as compose does, is not set
    planner, reader = (environment.get(name) or None for name in (PLANNER_TOKEN, READER_TOKEN))
    for name, token in ((PLANNER_TOKEN, planner), (READER_TOKEN, reader)):
        if token is not None and len(token) < LEAST_CHARACTERS:
            raise BadUsage(
                f"{name} has {len(token)} characters; {LEAST_CHARACTERS} are the least. Make one: "
                "`python -c 'import secrets; print(secrets.token_urlsafe(24))'`."
            )
    if planner is None and (reader is not None or host not in LOOPBACK):
        raise BadUsage(
            f"others reach {host}, and without {PLANNER_TOKEN} all of them may change forecasts. "
            f"Set it (and {READER_TOKEN} for those who read), or bind to 127.0.0.1."
        )
    if planner is not None and planner == reader:
        raise BadUsage(f"{PLANNER_TOKEN} and {READER_TOKEN} are the same: a reader could change.")
    return Access(host, port, planner, reader)


def _basic(authorization: str | None) -> tuple[str, str]:
    """Name and password of a Basic header; empty for none."""
    kind, _, encoded = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, password = text.partition(":")
    return name or "somebody", password


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
