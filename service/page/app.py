"""The web application: the page, its files, the API, and what Prometheus and probes ask.

Whatever is asked for, the answer is one of the API's, or JSON that says what is wrong with the request.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from models.errors import BadInput, TidegateError
from service.page import ordering
from service.page.answers import HANDLERS, JSON, answer
from service.page.endpoints import ENDPOINTS, Endpoint
from service.page.headers import WithHeaders
from service.page.model import Done, HandoverStatus, PoolStatus, Problem
from service.page.openapi import document
from service.page.probes import probes
from service.page.shown import Shown
from service.page.sse import Stream
from service.page.static import Static

ORDERS_S = 5.0  # between two looks at what persons have ordered
BODY_MOST = 16_384
BODY_S = 10.0  # how long a body may take to come

log = logging.getLogger("tidegate.service")

Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """The handlers, by the names of the table of endpoints."""

    def __init__(self, shown: Shown, stream: Stream) -> None:
        self.shown = shown
        self._stream = stream

    async def status(self, request: Request) -> Response:
        """All."""
        return self._document(request, "status")

    async def charts(self, request: Request) -> Response:
        """What is drawn."""
        return self._document(request, "charts")

    async def pool(self, request: Request) -> Response:
        """One pool."""
        found = [one for one in self._pools() if one.name == request.path_params["pool"]]
        if not found:
            raise HTTPException(404, f"no pool is called so; there are: {', '.join(one.name for one in self._pools())}")
        return answer(found[0])

    async def handovers(self, _: Request) -> Response:
        """The last one of each node."""
        return answer(list(self.shown.handovers.values()))

    async def handover(self, request: Request) -> Response:
        """One of them."""
        return answer(self._handover(request))

    async def events(self, request: Request) -> Response:
        """Server-sent events."""
        if self._stream.full:
            raise HTTPException(
                503, "as many clients as may be listen already; ask /api/status again and again instead"
            )
        events = self._stream.events(request.headers.get("last-event-id", ""))
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def pause(self, request: Request) -> Response:
        """See the table."""
        return await self._ordered(request, ordering.pause)

    async def resume(self, request: Request) -> Response:
        """See the table."""
        return await self._ordered(request, ordering.resume)

    async def announce(self, request: Request) -> Response:
        """See the table."""
        return await self._ordered(request, ordering.announce)

    async def cancel_takeover(self, request: Request) -> Response:
        """See the table."""
        return await self._done(lambda: ordering.cancel_takeover(self.shown, request.path_params["id"]))

    async def turn_back(self, request: Request) -> Response:
        """See the table."""
        return await self._done(lambda: ordering.turn_back(self.shown, request.path_params["id"]))

    def _document(self, request: Request, name: str) -> Response:
        found = self.shown.documents.get(name)
        if found is None:
            raise HTTPException(503, "nothing was read yet; ask again in a second")
        tag = f'"{self.shown.run}-{found.version}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(found.body, media_type=JSON, headers={"ETag": tag})

    def _pools(self) -> tuple[PoolStatus, ...]:
        return () if self.shown.status is None else self.shown.status.pools

    def _handover(self, request: Request) -> HandoverStatus:
        found = self.shown.handovers.get(request.path_params["id"])
        if found is None:
            raise HTTPException(404, "no node's last hand-over has that id; tidegate handovers knows the earlier ones")
        return found

    async def _ordered(self, request: Request, order: Callable[..., Done]) -> Response:
        endpoint = request.scope["endpoint_row"]
        body = await _body(request, endpoint)
        return await self._done(lambda: order(self.shown, body))

    async def _done(self, order: Callable[[], Done]) -> Response:
        """In a thread: the lock of the orders may be waited for, or Kubernetes."""
        try:
            done = await run_in_threadpool(order)
        except BadInput as error:
            raise HTTPException(409, str(error)) from error
        except TidegateError as error:
            raise HTTPException(503, str(error)) from error
        log.info("ordered by the page: %s", done.done)
        return answer(done)


async def _body(request: Request, endpoint: Endpoint) -> object:
    """The body as what the endpoint takes. Raises HTTPException with what is wrong with it."""
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > BODY_MOST:
                    raise HTTPException(413, f"the body is larger than {BODY_MOST} bytes")
    except (TimeoutError, ClientDisconnect) as error:
        raise HTTPException(408, f"the body did not come within {BODY_S:.0f} s") from error
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind != JSON:
        raise HTTPException(415, f"the body has to be {JSON}")
    try:
        return msgspec.json.decode(bytes(raw) or b"{}", type=endpoint.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise HTTPException(400, f"the body is not what is taken here: {error}") from error


def _guarded(shown: Shown, endpoint: Endpoint, handler: Handler) -> Handler:
    """Before anything else, what orders something asks for the token."""

    async def guarded(request: Request) -> Response:
        if endpoint.orders and (why := shown.token.refusal(request.headers.get("authorization", ""))):
            return answer(Problem(why), 401, {"WWW-Authenticate": 'Bearer realm="tidegate"'})
        request.scope["endpoint_row"] = endpoint
        return await handler(request)

    return guarded


def make_app(shown: Shown, static: Static) -> ASGIApp:
    """The application; it looks at the orders of persons for as long as it lives."""
    api = Api(shown, Stream(shown))
    routes = [Route(one.path, _guarded(shown, one, getattr(api, one.name)), methods=[one.method]) for one in ENDPOINTS]
    described = json.dumps(document(), indent=1).encode()

    async def index(_: Request) -> Response:
        return Response(static.index, media_type="text/html", headers={"Cache-Control": "no-cache"})

    async def asset(request: Request) -> Response:
        found = static.assets.get(request.url.path)
        if found is None:
            raise HTTPException(404, "there is no such file; load the page again")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(await run_in_threadpool(gzip.decompress, found.packed), 200, headers, found.kind)
        return Response(found.packed, 200, {**headers, "Content-Encoding": "gzip"}, found.kind)

    async def openapi(_: Request) -> Response:
        return Response(described, media_type=JSON)

    routes += [
        Route("/", index),
        Route("/assets/{name}", asset),
        Route("/api/openapi.json", openapi),
        *probes(shown.vitals),
    ]
    return WithHeaders(Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=_watching(shown)))


def _watching(shown: Shown) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_watch_orders(shown))
        yield
        shown.closing = True
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return lifespan


async def _watch_orders(shown: Shown) -> None:
    while True:
        await run_in_threadpool(shown.read_orders)
        await asyncio.sleep(ORDERS_S)
