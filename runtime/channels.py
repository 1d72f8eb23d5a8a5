"""Where messages go: addresses of apprise (mail, Slack, Teams, webhooks) from the environment.

An address is a secret. Neither log, store nor error says more of it than its scheme.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from contract.errors import BadUsage

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase

URLS, FILE = "TILLCAST_NOTIFY", "TILLCAST_NOTIFY_FILE"
ERRORS_ONLY = "error"  # the tag of an address that wants no warnings
RETRIES, PAUSE_S = 2, 2.0  # after the first try
MOST_S = 60.0  # for all tries; a server that sends a byte now and then meets no timeout of its own
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Channel:
    """One address. `name` is its scheme and eight digits of its hash."""

    name: str
    errors_only: bool
    service: NotifyBase

    def send(self, title: str, body: str) -> str | None:
        """Send a plain text; None when it was delivered, else why not. A service that neither takes
        nor refuses it in MOST_S is left: it keeps no look waiting.
        """
        problem: Future[str | None] = Future()

        def work() -> None:
            try:
                problem.set_result(self._sent(title, body))
            except BaseException as error:
                problem.set_exception(error)

        # of no pool: a process does not wait for it at its end
        Thread(target=work, daemon=True).start()
        try:
            return problem.result(MOST_S)
        except TimeoutError:
            return f"it did not take the message in {MOST_S:g} s"

    def _sent(self, title: str, body: str) -> str | None:
        from apprise import Apprise, LogCapture, NotifyFormat

        sender = Apprise(self.service, asset=self.service.asset)
        capture = LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call]
        with capture as log:
            sent = sender.notify(body=body, title=title, body_format=NotifyFormat.TEXT)
            said: list[str] = log.getvalue().strip().splitlines()
        return None if sent else (said[-1] if said else "it was refused without a reason")


def channels(environment: Mapping[str, str] = os.environ) -> list[Channel]:
    """The addresses of the environment, each once; none where it names none. BadUsage for one that
    apprise cannot read, or a file that others may read.
    """
    urls, file = environment.get(URLS, "").split(), environment.get(FILE)
    if not urls and not file:
        return []
    services = [_service(url, number) for number, url in enumerate(urls, 1)]
    services += _in_file(Path(file)) if file else []
    found = {_name(service): service for service in services}
    return [Channel(name, ERRORS_ONLY in service.tags, service) for name, service in found.items()]


def _service(url: str, number: int) -> NotifyBase:
    from apprise import Apprise

    service = Apprise.instantiate(url, asset=_asset())
    if service is None:
        raise BadUsage(
            f"address {number} of {URLS} is none that apprise can read "
            f"(scheme '{url.partition('://')[0][:12]}'). Addresses are parted by blanks; how each "
            "service writes its own: the apprise documentation."
        )
    return service


def _in_file(path: Path) -> list[NotifyBase]:
    """The addresses of a text file of apprise, a line each."""
    from apprise.config.base import ConfigBase

    text = _secret_text(path)
    read: tuple[list[Any], list[str]] = ConfigBase.config_parse_text(text, asset=_asset())
    services: list[NotifyBase] = read[0]
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;"]
    if len(services) != len(lines):
        raise BadUsage(
            f"{FILE}: of {len(lines)} lines in '{path}' apprise can read {len(services)}. A line "
            "is an address, or a tag and an address (error=mailto://...)."
        )
    return services


def _secret_text(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadUsage(f"{FILE}: '{path}' cannot be read: {type(error).__name__}.") from error
    if mode & _OF_OTHERS:
        raise BadUsage(
            f"{FILE}: '{path}' holds secrets and others may read it ({stat.filemode(mode)}). "
            f"Run `chmod 600 '{path}'`."
        )
    return text


def _asset() -> AppriseAsset:
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="tillcast",
        app_desc="tillcast",
        app_url="",
        default_service_retry=RETRIES,
        default_service_wait=PAUSE_S,
        secure_logging=True,
    )


def _name(service: NotifyBase) -> str:
    url = str(service.url())  # type: ignore[no-untyped-call]
    return f"{url.partition('://')[0]}:{hashlib.sha256(url.encode()).hexdigest()[:8]}"
