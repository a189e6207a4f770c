"""An API server over HTTP: one request, one watch, with the connections and the identity of the ``kubernetes`` package.

Bodies stay raw: what they say is decoded where it is wanted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException

from kubernetes.client.api_client import ApiClient
from urllib3 import HTTPResponse

from connectors.kube.access.api import SOME_S, Answer, body_of
from connectors.kube.access.config import Access
from connectors.kube.access.lines import CHUNK, lines_of
from connectors.kube.access.why import FAILURES, why
from models.errors import BadInput, Unreachable

CONNECT_S = 5.0
ANSWER_MOST = 512 * 2**20  # bytes; a list is read by pages of some megabytes
WAITED_S = 0.001  # a line that was waited for so long came by itself
TOGETHER_S = 0.03  # then more are let come, to be read at once: to be woken for each costs more than to decode it
REOPEN_S = 5.0  # an identity that is not accepted is not read again sooner: it may mean to run a plug-in

Way = tuple[Access, ApiClient]


class HttpApi:
    """One API server, for any number of threads. ``open_access`` reads anew where it is and who we are.

    Raises what ``open_access`` raises.
    """

    def __init__(self, open_access: Callable[[], Access], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._open_access = open_access
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._way = _way(open_access())
        self._opened_s = monotonic()
        self._streams: set[HTTPResponse] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"HttpApi({self.host!r})"

    @property
    def host(self) -> str:
        """The address of the server."""
        return self._way[0].host

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        timeout_s: float = SOME_S,
    ) -> Answer:
        """See the protocol."""
        began_s = self._monotonic()
        headers = {} if body is None else {"Content-Type": content_type}
        response = self._send(method, path, query or {}, (headers, body), timeout_s)
        try:
            answer = self._whole(response, f"{method} {path}", began_s + timeout_s, timeout_s)
        finally:
            response.close()  # nothing where it was read to its end: then the connection is kept
        if method != "GET" and answer.ok and not answer.body.lstrip().startswith(b"{"):
            raise Unreachable(f"no API server answered {method} {path}: what {self.host} sent is no object in JSON")
        return answer

    @contextmanager
    def watch(self, path: str, *, query: Mapping[str, str], silence_s: float) -> Iterator[Iterator[bytes]]:
        """See the protocol."""
        response = self._send("GET", path, {**query, "watch": "true"}, ({}, None), silence_s)
        with self._lock:
            self._streams.add(response)
        try:
            if response.status != 200:
                answer = self._whole(response, f"a watch of {path}", self._monotonic() + SOME_S, SOME_S)
                body_of(answer, f"a watch of {path}")
                raise Unreachable(f"{self.host} answered {answer.status} to a watch of {path}")
            yield self._lines(response, path, silence_s)
        finally:
            with self._lock:
                self._streams.discard(response)
            response.close()

    def close(self) -> None:
        """See the protocol. Whoever waits for a line is told that there will be none."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            with suppress(ValueError, RuntimeError, OSError):  # it has ended meanwhile
                stream.shutdown()
        self._way[1].close()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        content: tuple[dict[str, str], object],
        waits_s: float,
    ) -> HTTPResponse:
        """The answer up to its body. A no for who we are is asked again once, after all of that was read anew."""
        way = self._way
        response = self._once(way, method, path, query, content, waits_s)
        if response.status != 401:
            return response
        response.close()
        way = self._renewed(way)
        response = self._once(way, method, path, query, content, waits_s)
        if response.status == 401:
            response.close()
            raise Unreachable(
                f"{way[0].host} does not know us (401 to {method} {path}): what {way[0].where} gives is not accepted;"
                " it may have expired, or be of another cluster (try it with kubectl, and renew it)"
            )
        return response

    def _once(
        self,
        way: Way,
        method: str,
        path: str,
        query: Mapping[str, str],
        content: tuple[dict[str, str], object],
        waits_s: float,
    ) -> HTTPResponse:
        access, client = way
        if self._closed:
            raise Unreachable(f"the way to {access.host} is closed")
        headers = {**content[0], "Accept": "application/json", "User-Agent": "tidegate"}
        if (who := access.authorization()) is not None:
            headers["Authorization"] = who
        pairs = list(query.items()) or None
        try:
            _, url, _, body, _ = client.param_serialize(method, path, query_params=pairs, body=content[1])
            timeout = (min(CONNECT_S, waits_s), waits_s)
            response: HTTPResponse = client.call_api(method, url, headers, body, _request_timeout=timeout).response
        except FAILURES as error:
            raise self._unanswered(f"{method} {path}", error, waits_s) from error
        return response

    def _renewed(self, refused: Way) -> Way:
        """Who we are, read anew; by one thread for all, and not at every turn."""
        with self._lock:
            now_s = self._monotonic()
            if self._way is refused and now_s - self._opened_s >= REOPEN_S:
                self._opened_s = now_s
                try:
                    self._way = _way(self._open_access())
                except BadInput as error:
                    raise Unreachable(f"{self.host} does not know us any more (401), and {error}") from error
                refused[1].close()
            return self._way

    def _whole(self, response: HTTPResponse, what: str, end_s: float, waits_s: float) -> Answer:
        """The whole answer. Raises Unreachable when it is cut off, too long, or not there in time."""
        chunks: list[bytes] = []
        size = 0
        try:
            while chunk := response.read1(CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > ANSWER_MOST:
                    raise HTTPException(f"its answer is larger than {ANSWER_MOST} bytes")
                if self._monotonic() > end_s:
                    raise TimeoutError
        except FAILURES as error:
            raise self._unanswered(what, error, waits_s) from error
        after = response.headers.get("Retry-After", "")
        wait_s = float(after) if after.isdecimal() and len(after) < 10 else None
        return Answer(response.status, b"".join(chunks), wait_s, response.headers.get("Date", ""))

    def _lines(self, response: HTTPResponse, path: str, silence_s: float) -> Iterator[bytes]:
        heard_s = self._monotonic()

        def read(most: int) -> bytes:
            began_s = self._monotonic()
            chunk = response.read1(most)
            now_s = self._monotonic()
            if now_s - heard_s > silence_s:  # bytes that make no line are silence, too
                raise TimeoutError
            if now_s - began_s > WAITED_S:
                time.sleep(TOGETHER_S)
            return chunk

        try:
            for line in lines_of(read):
                yield line
                heard_s = self._monotonic()
        except FAILURES as error:
            raise self._unanswered(f"a watch of {path}", error, silence_s) from error

    def _unanswered(self, what: str, error: BaseException, waits_s: float) -> Unreachable:
        return Unreachable(f"the API server at {self.host} gave no answer to {what}: {why(error, waits_s)}")


def _way(access: Access) -> Way:
    return access, ApiClient(access.configuration)
