"""HTTP connections that are not waited for: one on which no request becomes whole for a while is closed.

uvicorn itself waits for the head of a request without end, and a few hundred such connections are all that it takes.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 15.0


class Impatient(H11Protocol):
    """A connection; looked at each ``HEAD_S``."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_S, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self, before: RequestResponseCycle | None) -> None:
        """Close it where there is nothing but what was there before; an answer that is under way takes its time."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if not answering and cycle is before:
            self.transport.close()
            return
        self._timer = self.loop.call_later(HEAD_S, self._look, cycle)
