"""An HTTP proxy in front of an API server, that harms requests and answers as a test says."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import time
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.real import ports
from tests.real.kube import http_messages
from tests.real.kube.certificates import Certificates
from tests.real.kube.http_messages import Head

HOST = "127.0.0.1"
DONE_S = 10.0  # by when the proxy has done what it was told
LOOK_S = 0.2  # how often it looks whether the client is still there
LINGER_NOT = struct.pack("ii", 1, 0)  # a socket that is closed so says RST, not FIN


class Heard(NamedTuple):
    """One request: when it was answered by the monotonic clock, and with what; 0 if it was not."""

    at_s: float
    method: str
    path: str
    status: int


@dataclass(eq=False)
class Rule:
    """What happens to a request with this method, and with this regular expression in its path and query.

    ``answer`` is a status that it is answered with instead of being handed on; with a ``body`` of the test's own, or a
    ``retry_after_s``. It is held for ``hold_s`` before that, as long as the rule stands, and handed on even if the
    client gives up. ``reset`` ends its connection; ``lose`` does so when the server has done what was asked.
    ``silent`` lets nothing more through of its answer, of one that has begun before the rule was made, too;
    ``cut_after`` lets so many bytes of its answer's body through, and then ends the connection. The rule holds for
    ``most`` requests, for all without.

    ``seen`` counts them, and ``held`` those that are being held.
    """

    method: str = ""
    path: str = ""
    answer: int = 0
    body: bytes | None = None
    retry_after_s: float | None = None
    hold_s: float | Callable[[], float] = 0.0
    reset: bool = False
    lose: bool = False
    silent: bool = False
    cut_after: int | None = None
    most: int | None = None
    seen: int = 0
    held: int = 0
    lost: bool = False
    lifted: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def is_for(self, method: str, path: str) -> bool:
        """Whether it says what happens to such a request; it may have had its number."""
        return self.method in ("", method) and bool(re.search(self.path, path))

    async def hold(self) -> None:
        """Let time pass before a request is handed on, or answered."""
        wait_s = self.hold_s() if callable(self.hold_s) else self.hold_s
        self.held += 1
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.lifted.wait(), wait_s)
        finally:
            self.held -= 1


NONE = Rule()


class HttpProxy:
    """Everything goes through as it is until a test wants it otherwise; used in a ``with``, from any thread.

    Clients trust it by the control plane's CA. It hands on tokens; nobody's certificate can be handed on. ``heard`` has
    every request. The first rule that holds for a request, in their order, is what happens.
    """

    def __init__(self, target_port: int, certificates: Certificates, port: int = 0) -> None:
        self.port = port or ports.free(1)[0]
        self.heard: list[Heard] = []
        self.rules: list[Rule] = []
        self._target_port = target_port
        self._there = ssl.create_default_context(cafile=str(certificates.ca))
        self._here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._here.load_cert_chain(certificates.server.certificate, certificates.server.key)
        self._started: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._connections: set[asyncio.Task[Any]] = set()
        self._thread = Thread(target=self._run, name=f"http-proxy-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def rule(self, method: str = "", path: str = "", **what: Any) -> Rule:
        """From now on this happens to such requests."""
        made = Rule(method, path, **what)
        self.rules = [*self.rules, made]
        return made

    def lift(self, *rules: Rule, lost: bool = False) -> None:
        """These rules hold no more; what they held up goes on its way, or what they kept silent about is lost for ever.

        Then the connections that were silent end.
        """
        self.rules = [rule for rule in self.rules if rule not in rules]
        for rule in rules:
            rule.lost = lost
            self._loop.call_soon_threadsafe(rule.lifted.set)

    def heal(self) -> None:
        """No rule holds any more."""
        self.lift(*self.rules)

    def count(self, method: str, path: str) -> int:
        """How many such requests there were, answered or not."""
        return sum(one.method == method and bool(re.search(path, one.path)) for one in list(self.heard))

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(DONE_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(DONE_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_ended())

    async def _until_ended(self) -> None:
        try:
            server = await asyncio.start_server(
                self._serve, HOST, self.port, ssl=self._here, limit=http_messages.LONGEST_HEAD
            )
        except OSError as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._ended.wait()
        server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection of a client, and the one to the server that belongs to it."""
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        conversation = _Conversation(self, reader, writer)
        try:
            with suppress(OSError, IncompleteReadError, asyncio.CancelledError):
                while request := await http_messages.head(reader):
                    await conversation.about(request, await http_messages.whole(reader, request))
        finally:
            self._connections.discard(task)
            conversation.end()

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """A new connection to the server."""
        return await asyncio.open_connection(HOST, self._target_port, ssl=self._there, limit=http_messages.LONGEST_HEAD)

    def rule_of(self, method: str, path: str) -> Rule:
        """What happens to a request that has just come."""
        for rule in self.rules:
            if rule.is_for(method, path) and (rule.most is None or rule.seen < rule.most):
                rule.seen += 1
                return rule
        return NONE

    def silence_of(self, method: str, path: str) -> Rule | None:
        """The rule by which nothing more is said to a request that is being answered, if there is one."""
        return next((rule for rule in self.rules if rule.silent and rule.is_for(method, path)), None)


class _Conversation:
    """What one client asks, one request after the other, on one connection."""

    def __init__(self, proxy: HttpProxy, reader: StreamReader, writer: StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._there: tuple[StreamReader, StreamWriter] | None = None

    def end(self, *, reset: bool = False) -> None:
        if reset:
            connected = self._writer.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._writer.transport.abort()
        if self._there:
            self._there[1].transport.abort()

    async def about(self, request: Head, body: bytes) -> None:
        """One request, from beginning to end. Raises OSError when the connection has to end with it."""
        method, path = request.first[0], request.first[1]
        rule = self._proxy.rule_of(method, path)
        status = 0
        try:
            if rule.hold_s:
                await rule.hold()
            if rule.reset:
                self._break_off()
            if rule.answer:
                status = rule.answer
                self._writer.write(http_messages.answer(rule.answer, rule.body, rule.retry_after_s))
                await self._writer.drain()
                return
            answer = await self._asked(request, body)
            if rule.lose:
                self._break_off()
            status = answer.status
        finally:
            self._proxy.heard.append(Heard(time.monotonic(), method, path, status))
        await self._pass_on(request, answer, rule)

    async def _asked(self, request: Head, body: bytes) -> Head:
        if not self._there or self._there[0].at_eof():  # the server ends a connection that it heard nothing on
            self._there = await self._proxy.connect()
        self._there[1].write(request.raw + body)
        await self._there[1].drain()
        answer = await http_messages.head(self._there[0])
        if not answer:
            raise ConnectionResetError
        return answer

    async def _pass_on(self, request: Head, answer: Head, rule: Rule) -> None:
        assert self._there
        method, path = request.first[0], request.first[1]
        await self._unless_silent(method, path)
        self._writer.write(answer.raw)
        if method == "HEAD" or answer.status in (204, 304):
            return
        let_through, body = 0, http_messages.pieces(self._there[0], answer)
        while piece := await self._next(body):
            await self._unless_silent(method, path)
            if rule.cut_after is not None and let_through + len(piece) > rule.cut_after:
                self._writer.write(piece[: rule.cut_after - let_through])
                await self._writer.drain()
                self._writer.close()
                raise ConnectionResetError
            let_through += len(piece)
            self._writer.write(piece)
            await self._writer.drain()
        if not answer.is_chunked and answer.length is None:
            raise ConnectionResetError  # the connection's end is the answer's

    async def _next(self, body: AsyncIterator[bytes]) -> bytes:
        """The next piece of an answer; nobody waits for it once the client has gone."""
        step = asyncio.ensure_future(_one(body))
        step.add_done_callback(_take)
        while not step.done():
            await asyncio.wait({step}, timeout=LOOK_S)
            if not step.done() and (self._reader.at_eof() or self._writer.is_closing()):
                step.cancel()
                raise ConnectionResetError
        return step.result()

    async def _unless_silent(self, method: str, path: str) -> None:
        while rule := self._proxy.silence_of(method, path):
            await rule.lifted.wait()
            if rule.lost:
                self._break_off()

    def _break_off(self) -> None:
        self.end(reset=True)
        raise ConnectionResetError


def _take(step: asyncio.Future[bytes]) -> None:
    """What it ended with is known: nobody may be there any more to ask."""
    if not step.cancelled():
        step.exception()


async def _one(body: AsyncIterator[bytes]) -> bytes:
    return await anext(body, b"")
