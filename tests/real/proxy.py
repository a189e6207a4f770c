"""A TCP proxy between a client and a server on this machine, that harms what goes through it as a test says."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any, Self

from tests.real import ports

AT_ONCE = 65_536  # bytes
ON_THE_WAY = 64  # pieces of that size, in one direction of one connection
BEGINNING = 100  # bytes
ANSWER_S = 10.0  # by when the proxy has done what it was told
LINGER_NOT = struct.pack("ii", 1, 0)  # a socket that is closed so says RST, not FIN


class Proxy:
    """Everything goes through as it is until a test wants it otherwise; used in a ``with``, from any thread.

    ``latency_s`` is how long every byte is on its way, in each direction; ``trickle`` lets each byte go by itself.
    ``answer_most`` bytes are let through from the server in each connection, and then it ends. All three may be set at
    any time. ``heard`` has when each piece of what clients said came, by the monotonic clock, and how it begins.
    """

    def __init__(self, target_port: int, port: int = 0, host: str = "127.0.0.1") -> None:
        self.latency_s = 0.0
        self.trickle = False
        self.answer_most: int | None = None
        self.heard: list[tuple[float, bytes]] = []
        self.host = host
        self.port = port or ports.free(1)[0]
        self._target_port = target_port
        self._connections: dict[asyncio.Task[Any] | None, list[StreamWriter]] = {}
        self._started: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._ended = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._thread = Thread(target=self._run, name=f"proxy-{self.port}", daemon=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def black_hole(self) -> None:
        """From now on nothing comes through, and nobody is told: connections stay open, new ones are taken."""
        self._do(self._set(is_open=False))

    def reset(self) -> None:
        """End every connection with a reset; new ones are taken."""
        self._do(self._drop(LINGER_NOT))

    def cut(self) -> None:
        """End every connection and refuse new ones, as if the server had gone."""
        self._do(self._stop_listening())
        self._do(self._drop())

    def heal(self) -> None:
        """Everything goes through again as it is; what was held up goes on its way."""
        self.latency_s, self.trickle, self.answer_most = 0.0, False, None
        self._do(self._listen())
        self._do(self._set(is_open=True))

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(ANSWER_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(ANSWER_S)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_ended())

    async def _until_ended(self) -> None:
        try:
            await self._set(is_open=True)
            await self._listen()
        except OSError as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._ended.wait()
        await self._stop_listening()
        await self._drop()

    async def _set(self, *, is_open: bool) -> None:
        if is_open:
            self._open.set()
        else:
            self._open.clear()

    async def _listen(self) -> None:
        if not self._server:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)

    async def _stop_listening(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _drop(self, linger: bytes | None = None) -> None:
        dropped = dict(self._connections)
        for task, writers in dropped.items():
            for writer in writers:
                if linger:
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            task.cancel()
        await asyncio.gather(*dropped)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection of a client, until both sides have said all, or one of them has gone, or it is dropped."""
        task = asyncio.current_task()
        self._connections[task] = writers = [writer]
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._open.wait()
                there, thence = await asyncio.open_connection("127.0.0.1", self._target_port)
                writers.append(thence)
                await self._pass_on(((reader, thence), (there, writer)))
        finally:
            del self._connections[task]
            for ended in writers:
                ended.close()

    async def _pass_on(self, ways: Sequence[tuple[StreamReader, StreamWriter]]) -> None:
        """What the client says, and then what it is answered."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for reader, writer in ways:
                    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(ON_THE_WAY)
                    tasks.create_task(self._take(reader, on_the_way, answers=writer is ways[-1][1]))
                    tasks.create_task(self._give(on_the_way, writer))
        except* OSError:
            pass  # one side has gone; so does the other

    async def _take(
        self, reader: StreamReader, on_the_way: asyncio.Queue[tuple[float, bytes]], *, answers: bool
    ) -> None:
        data, taken = None, 0
        while data != b"":
            data = await reader.read(AT_ONCE)
            if data and not answers:
                self.heard.append((time.monotonic(), data[:BEGINNING]))
            if answers and self.answer_most is not None:
                data = data[: max(0, self.answer_most - taken)]
            taken += len(data)
            await on_the_way.put((self._loop.time() + self.latency_s, data))
            if answers and data and taken == self.answer_most:
                data = b""
                await on_the_way.put((self._loop.time() + self.latency_s, data))

    async def _give(self, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: StreamWriter) -> None:
        data = None
        while data != b"":
            due, data = await on_the_way.get()
            await asyncio.sleep(due - self._loop.time())
            step = 1 if self.trickle else AT_ONCE
            for start in range(0, len(data), step):
                await self._open.wait()
                writer.write(data[start : start + step])
                await writer.drain()
        await self._open.wait()
        writer.write_eof()
