"""The planner's app on this machine, until Ctrl-C.

reads   data/snapshot/ and data/reports/
writes  overrides, answers to alerts and approvals in the store; data/scenarios/
run     python -m app [--port 8321] [--data data]
        TILLCAST_PLANNER_TOKEN=... python -m app --host 0.0.0.0    for others, with a token
"""

from __future__ import annotations

import os
import socket
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from contract.errors import BadUsage
from contract.params_file import load_params
from runtime.command_line import Summary, entry_parser, run
from runtime.paths import Paths

PORT = 8321


def serve(arguments: Namespace) -> Summary:
    """The app until Ctrl-C, over the data folder."""
    import uvicorn

    from app.access import access_of
    from app.shop import Shop
    from app.site import site

    access = access_of(arguments.host, arguments.port, os.environ)
    shop = Shop(load_params(arguments.params), Paths(arguments.data))
    shop.open()
    listening = _listen(arguments.host, arguments.port)
    address = f"http://{arguments.host}:{listening.getsockname()[1]}/"
    print(f"the planner's app: {address}  (Ctrl-C ends it)", file=sys.stderr, flush=True)
    config = uvicorn.Config(site(shop, access), log_level="warning", timeout_graceful_shutdown=5)
    with suppress(KeyboardInterrupt):  # uvicorn has ended by then, and passes it on
        uvicorn.Server(config).run(sockets=[listening])
    return {"served": address}


def _listen(host: str, port: int) -> socket.socket:
    """The port taken before anything is served; BadUsage where another has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise BadUsage(
            f"port {port} of {host} is not free ({error.strerror}). Give another: --port N, or 0 "
            "for any."
        ) from error
    return listening


def main(argv: list[str] | None = None) -> int:
    """Serve the pages until Ctrl-C."""
    parser = entry_parser(__doc__)
    text = (
        "address to bind to; another than this machine's own needs a token (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help=text)
    parser.add_argument("--port", type=int, default=PORT, help="default: %(default)s; 0: any")
    parser.set_defaults(data=Path("data"))
    return run(parser, serve, argv)


if __name__ == "__main__":
    sys.exit(main())
