"""Server-sent events, by hand: each says which documents have changed, and a page fetches those that it shows.

As every event names the newest versions, nothing has to be sent again: whoever comes back with the id of the newest
has missed nothing, and any other id is answered with the newest at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from service.page.shown import Shown

LOOK_S = 1.0
HEARTBEAT_S = 15.0
RETRY_MS = 3000
CLIENTS_MOST = 100


class Stream:
    """The event streams of one server; ``clients`` are open now."""

    def __init__(self, shown: Shown, look_s: float = LOOK_S) -> None:
        self.clients = 0
        self._shown = shown
        self._look_s = look_s

    @property
    def full(self) -> bool:
        """Whether no more may listen."""
        return self.clients >= CLIENTS_MOST

    async def events(self, last_id: str) -> AsyncIterator[bytes]:
        """Events until the server closes or the client has gone; ``last_id`` is what the client saw last."""
        self.clients += 1
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            quiet_s = 0.0
            while not self._shown.closing:
                ident, data = self._newest()
                if ident != last_id:
                    last_id, quiet_s = ident, 0.0
                    yield f"id: {ident}\nevent: changed\ndata: {data}\n\n".encode()
                elif quiet_s >= HEARTBEAT_S:
                    quiet_s = 0.0
                    yield f"event: heartbeat\ndata: {self._shown.clock()}\n\n".encode()
                await asyncio.sleep(self._look_s)
                quiet_s += self._look_s
        finally:
            self.clients -= 1

    def _newest(self) -> tuple[str, str]:
        versions = self._shown.versions()
        ident = "-".join([self._shown.run, *(str(number) for _, number in sorted(versions.items()))])
        return ident, json.dumps({"run": self._shown.run, **versions}, sort_keys=True)
