"""The session that prometheus-api-client asks through: ours, with a limit on the whole call and on the answer.

Left alone, it waits for ever or asks four times over, reads any amount, and drops what an answer says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter

from basics.http import HttpClient, Request, whole
from connectors.prom.read import Said, said, short
from connectors.prom.settings import PrometheusSettings
from connectors.prom.token import read_token
from models.errors import Unreachable

TIMEOUT_S = 10.0  # for one call, from the connection to the last byte
BODY_MOST = 16 * 2**20  # bytes of an answer: some 40 series of 11,000 points


class OneServer(BaseAdapter):
    """Sends to one server, once: no retry, no redirection, no proxy, no compression. ``said`` is of the last answer."""

    def __init__(self, settings: PrometheusSettings, timeout_s: float, body_most: int) -> None:
        super().__init__()
        self.said = Said("")
        self._settings = settings
        self._timeout_s = timeout_s
        self._body_most = body_most
        self._client: HttpClient | None = None

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """The whole answer, which is known to have series in it. Raises Unreachable."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self._settings.token_file is not None:
            headers["Authorization"] = f"Bearer {read_token(self._settings.token_file)}"
        try:
            self._client = self._client or self._open()
            asked = Request("GET", request.path_url, headers=headers)
            status, body = self._client.send(asked, whole(self._body_most), timeout_s=self._timeout_s)
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"no answer from Prometheus at {self._settings.url}: {_why(error)}") from error
        self.said = said(status, body)
        response = Response()
        response.status_code, response.raw, response.encoding = status, BytesIO(body), "utf-8"
        response.url, response.request = str(request.url), request
        return response

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()

    def _open(self) -> HttpClient:
        return HttpClient(urlsplit(self._settings.url), ca_file=self._settings.ca_file)


class OneServerSession(Session):
    """Whatever is mounted on it and whatever the environment says, all goes through ``adapter``."""

    def __init__(self, adapter: OneServer) -> None:
        super().__init__()
        self.trust_env = False
        self._adapter = adapter

    def get_adapter(self, url: str | bytes) -> BaseAdapter:
        """The one there is."""
        return self._adapter


def _why(error: Exception) -> str:
    return short(getattr(error, "strerror", None) or str(error) or type(error).__name__)
