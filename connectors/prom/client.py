"""The client: instant queries and ranges, through prometheus-api-client and a session with limits."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_api_client import PrometheusConnect

from connectors.prom.read import Answer, Labels, series_of
from connectors.prom.session import BODY_MOST, TIMEOUT_S, OneServer, OneServerSession
from connectors.prom.settings import PrometheusSettings
from connectors.prom.slices import slices
from models.errors import Unreachable


class Prometheus:
    """One Prometheus. Every call ends within ``timeout_s`` for each slice, and raises Unreachable where it has no
    answer; an answer without series is an answer, and says that nothing is known. To be used by one thread at a time.
    """

    def __init__(
        self, settings: PrometheusSettings, *, timeout_s: float = TIMEOUT_S, body_most: int = BODY_MOST
    ) -> None:
        self.url = settings.url
        self._adapter = OneServer(settings, timeout_s, body_most)
        self._server = PrometheusConnect(url=settings.url.rstrip("/"), session=OneServerSession(self._adapter))
        self._server_gives_up = f"{round(timeout_s * 1000)}ms"  # it takes no decimal point

    def at(self, query: str, at_s: int | None = None, *, age_most_s: int | None = None) -> Answer:
        """The value of each series at a time, now if none is given: its last sample of the ``age_most_s`` before.

        Without that, or where the server does not know the parameter, of its own look-back (mostly 5 minutes).
        """
        params: dict[str, str] = {"timeout": self._server_gives_up}
        if at_s is not None:
            params["time"] = str(at_s)
        if age_most_s is not None:
            params["lookback_delta"] = f"{age_most_s}s"
        result = self._server.custom_query(query, params=params)
        if self._adapter.said.kind != "vector":
            raise Unreachable("the query's result is a range of each series: write last_over_time(...), say, around it")
        return Answer(series_of(result), self._adapter.said.warnings)

    def over(self, query: str, start_s: int, end_s: int, step_s: int) -> Answer:
        """The values of each series at ``start_s``, ``start_s + step_s``, … up to ``end_s``, those that there are."""
        series: dict[Labels, dict[float, float | None]] = {}
        warnings: dict[str, None] = {}
        for first_s, last_s in slices(start_s, end_s, step_s):
            result = self._server.custom_query_range(
                query,
                datetime.fromtimestamp(first_s, UTC),
                datetime.fromtimestamp(last_s, UTC),
                f"{step_s}s",
                params={"timeout": self._server_gives_up},
            )
            for labels, points in series_of(result).items():
                series.setdefault(labels, {}).update(points)
            warnings |= dict.fromkeys(self._adapter.said.warnings)
        return Answer(series, tuple(warnings))

    def close(self) -> None:
        """Let go of the connection."""
        self._server.close()
        self._adapter.close()
