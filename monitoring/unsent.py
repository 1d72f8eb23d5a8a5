"""Messages that did not arrive: what an address should know and does not."""

from __future__ import annotations

from monitoring.finding import Finding

_ADVICE = (
    "Look whether the service is there and the address still right (TILLCAST_NOTIFY), then "
    "`python monitor.py notify`."
)


def unsent(undelivered: dict[str, tuple[int, str]]) -> list[Finding]:
    """An error for each channel whose newest message did not arrive; one finding that is well where
    all did. `undelivered`: by channel how many looks have tried, and why not.
    """
    if not undelivered:
        return [Finding("messages", "every message was delivered", "ok", 0.0, 0.0)]
    return [
        Finding(
            "messages",
            f"alerts could not be delivered to {channel}, tried at {tries} looks: {problem}",
            "error",
            float(tries),
            0.0,
            _ADVICE,
            slice=channel,
        )
        for channel, (tries, problem) in undelivered.items()
    ]
