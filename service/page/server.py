"""uvicorn in a thread beside the service's loop: it handles no signals, and is stopped and joined with a deadline."""

from __future__ import annotations

import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from models.errors import BadInput
from service.page.impatient import Impatient

CLOSE_S = 5.0
CONNECTIONS_MOST = 256
HEAD_MOST = 16_384  # bytes of a request's head

log = logging.getLogger("tidegate.service")


class PageServer:
    """Serves an application on a socket that listens, until it is closed; ``what`` it is, the log says."""

    def __init__(self, app: ASGIApp, listening: socket.socket, what: str = "the status page") -> None:
        self._socket = listening
        self._what = what
        config = uvicorn.Config(
            app,
            http=Impatient,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MOST,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=HEAD_MOST,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name=what, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering; what does not end in time is left to the end of the process."""
        self._server.should_exit = True
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("%s did not end within %.0f s", self._what, CLOSE_S)
        self._socket.close()


def listen_where(address: str, setting: str) -> socket.socket:
    """A socket that listens at the HOST:PORT that a setting of the site file has. Raises BadInput."""
    host, _, port = address.rpartition(":")
    try:
        return listen(host, int(port))
    except (OSError, OverflowError) as error:
        what = getattr(error, "strerror", None) or str(error)
        remedy = f"name another one as {setting} of the site file"
        raise BadInput(f"cannot be listened on: {what}", where=address, remedy=remedy) from error


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; 0 for any port that is free. Raises OSError or OverflowError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)
    except BaseException:
        found.close()
        raise
    return found
