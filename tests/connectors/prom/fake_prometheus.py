"""A server on loopback that answers as Prometheus 2.42 does; its answers were recorded from one."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.prom.settings import PrometheusSettings

POINTS_MOST = 11_000
EMPTY = '{"status":"success","data":{"resultType":"vector","result":[]}}'
TOO_MANY = (
    '{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries.'
    ' Try decreasing the query resolution (?step=XX)"}'
)

DURATION = re.compile(r"([0-9]+(ms|s|m|h))+")

Series = Callable[[float], float | None]
"""A metric's value at a time; None where it has none."""


@dataclass
class Fake:
    """What is answered: to a query in ``series`` by that, to any other with ``status`` and ``body``."""

    port: int = 0
    status: int = 200
    body: bytes = EMPTY.encode()
    now_s: int = 1_796_063_893
    hangs: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def settings(self) -> PrometheusSettings:
        return PrometheusSettings(url=f"http://127.0.0.1:{self.port}/prometheus/")

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, bytes]:
        wrong = [name for name in ("timeout", "lookback_delta") if not DURATION.fullmatch(params.get(name, "1s"))]
        if wrong:
            return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": f"parameter {wrong}"}).encode()
        series = self.series.get(params.get("query", ""))
        if series is None:
            return self.status, self.body
        if path.endswith("/query"):
            at_s = float(params.get("time", self.now_s))
            value = series(at_s)
            return self._success("vector", [] if value is None else [{"metric": {}, "value": [at_s, _text(value)]}])
        start, end, step = float(params["start"]), float(params["end"]), float(params["step"].rstrip("s"))
        if (end - start) / step > POINTS_MOST:
            return 400, TOO_MANY.encode()
        times = [start + number * step for number in range(int((end - start) // step) + 1)]
        values = [[at_s, _text(value)] for at_s in times if (value := series(at_s)) is not None]
        return self._success("matrix", [{"metric": {}, "values": values}] if values else [])

    def _success(self, kind: str, result: list[Any]) -> tuple[int, bytes]:
        told: dict[str, Any] = {"status": "success", "data": {"resultType": kind, "result": result}}
        return 200, json.dumps(told | ({"warnings": self.warnings} if self.warnings else {})).encode()


@contextmanager
def prometheus() -> Iterator[Fake]:
    """One that runs for as long as the block."""
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            params = {name: values[-1] for name, values in parse_qs(address.query).items()}
            fake.asked.append((address.path, params, dict(self.headers)))
            if fake.hangs:
                fake.ended.wait()
                return
            status, body = fake.answer(address.path, params)
            self.send_response(status)
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        fake.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            fake.ended.set()
            server.shutdown()
            thread.join()


def _text(value: float) -> str:
    """As Prometheus writes a number."""
    return "NaN" if math.isnan(value) else f"{value:.17g}"
