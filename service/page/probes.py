"""What Prometheus and probes ask a process: its metrics, whether it lives, whether it is ready."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from service.page.answers import HANDLERS
from service.page.headers import WithHeaders
from service.page.vitals import Vitals


def probes(vitals: Vitals) -> list[Route]:
    """The routes."""

    async def metrics(_: Request) -> Response:
        if not vitals.metrics:
            raise HTTPException(503, "nothing was read yet; ask again in a second")
        return Response(vitals.metrics, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/metrics", metrics),
        _probe("/livez", vitals.stalled),
        _probe("/readyz", vitals.unready),
    ]


def _probe(path: str, trouble: Callable[[], str]) -> Route:
    async def probe(_: Request) -> Response:
        why = trouble()
        return Response(f"{why or 'ok'}\n", 503 if why else 200, media_type="text/plain")

    return Route(path, probe)


def make_probes_app(vitals: Vitals) -> ASGIApp:
    """An application that has nothing else."""
    return WithHeaders(Starlette(routes=probes(vitals), exception_handlers=HANDLERS))
