"""The url of a database or bucket: from the environment, and out of every message."""

from __future__ import annotations

import os
import re

from fsspec import available_protocols

from contract.errors import BadParams
from runtime.one_line import one_line

_SECRET = re.compile(r"(?P<head>[A-Za-z][\w+.-]*://)[^\s/@'\"]*(?:@[^\s/@'\"]*)*@")
_PASSWORD = re.compile(r"(?i)((?:password|passwd|pwd|secret\w*|token)\s*[=:]\s*)[^\s&;,'\")]+")
_LONGEST = 500  # characters of a message nobody wrote for people


def url_in(variable: str) -> str:
    """The url that an environment variable holds. BadParams where it holds none."""
    url = os.environ.get(variable, "").strip()
    if not url:
        raise BadParams(
            f"the environment variable {variable} is not set. Set it to the url of the database or "
            "bucket (like postgresql://user:password@host/database), in the environment of this "
            "process and never in params."
        )
    return url


def is_of_database(url: str) -> bool:
    """Whether a url is of a database; else it is of a bucket, whose protocols fsspec knows."""
    scheme = url.partition(":")[0].partition("+")[0]
    return scheme not in available_protocols()


def without_secrets(text: str, *secrets: str | None) -> str:
    """A text of somebody else's on one line, cut, without what could let anybody in: the secrets
    given, the user part of any url in it, and whatever follows a word for password.
    """
    for secret in sorted((one for one in secrets if one), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _PASSWORD.sub(r"\1***", _SECRET.sub(r"\g<head>***@", text))
    return one_line(" ".join(text.split()))[:_LONGEST]
