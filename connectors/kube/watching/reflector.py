"""Keeps what one resource holds as the API server has it: a list, then a watch, and anew where a watch cannot go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Generic, TypeVar

from basics.log_once import Trouble
from connectors.kube.access.api import Api, ApiRefused, Busy
from connectors.kube.resource import Described, Resource
from connectors.kube.watching.listing import Gathered, PagesExpired, listed
from connectors.kube.watching.objects import Objects
from connectors.kube.watching.pauses import Pauses
from connectors.kube.watching.reading import Event, Kind, ListAnew, Reading, key_of, name_of
from connectors.kube.watching.sharing import sharing
from connectors.kube.watching.silence import Silence
from models.errors import Unreachable

PAGE = 500  # objects
SILENCE = Silence()
BRIEF_S = 1.0  # a watch that ends sooner, and tells of no change, does not work
BREAKS_MOST = 2  # of a watch at one version
NAMED_MOST = 1_000  # objects that cannot be read, by name in the log

log = logging.getLogger("tidegate.kubernetes")

T = TypeVar("T", bound=Described)


class Reflector(Generic[T]):
    """One resource. ``step`` does the next thing and is called again and again, by one thread; any may look.

    ``changed`` is called after each change. Who seeds none waits otherwise than everybody else.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource[T],
        *,
        monotonic: Callable[[], float],
        seed: int | None = None,
        page: int = PAGE,
        silence: Silence = SILENCE,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.resource = resource
        self.objects: Objects[T] = Objects()
        self.synced = False  # whether all was told, and has been followed since
        self.denied = ""  # why we may not read it
        self.absent = False  # whether the server says that there is no such resource
        self.failing = ""  # why it could not be read when that was last tried
        self.last_heard: float | None = None  # when the server last said that these are all, by ``monotonic``
        self.resource_version = ""  # as far as was told; empty when all has to be told anew
        self.lists = 0  # how often all was told
        self._api = api
        self._reading = Reading(resource)
        self._share = sharing(resource.type)
        self._last: T | None = None
        self._monotonic = monotonic
        self._page = self._page_now = page
        self._silence = silence
        self._changed = changed
        self._random = Random(seed)  # noqa: S311 - not for secrets
        self._pauses = Pauses(seed)
        self._streams_all = True  # until the server shows that it does not know that
        self._breaks = 0  # of the watch since it last told anything
        self._stopping = False
        self._named: set[str] = set()
        self._not_allowed = Trouble(log, f"{resource.name} of Kubernetes cannot be read")

    def __repr__(self) -> str:
        return f"Reflector({self.resource.name!r})"

    def follow(self, stop: threading.Event) -> None:
        """Step on until ``stop``."""
        while not (stop.is_set() or self._stopping):
            stop.wait(self._step_whatever_comes())

    def stop(self) -> None:
        """No more: a watch that is under way ends with its next line."""
        self._stopping = True

    def step(self) -> float:
        """Have all told, or watch until that ends. Returns how many seconds to wait before the next step."""
        try:
            if self.resource_version:
                return self._watch()
            return self._stream() if self._streams_all else self._list()
        except ListAnew as error:
            return self._begin_anew(error)
        except ApiRefused as error:
            return self._refused(error)
        except Unreachable as error:
            self.failing = str(error)
            return self._pauses.failed(error.retry_after_s if isinstance(error, Busy) else None)

    def _step_whatever_comes(self) -> float:
        """As ``step``. A bug, too, ends in a pause, and then all is told anew: else it would be followed no more."""
        try:
            return self.step()
        except Exception as error:
            if not self._stopping:  # what is closed under a thread may raise anything
                log.exception("a bug in Tidegate, please report it: %s could not be followed", self.resource.name)
            self.resource_version, self.failing = "", f"a bug in Tidegate: {type(error).__name__}"
            return self._pauses.failed()

    def _begin_anew(self, error: Exception) -> float:
        log.info("%s; all is listed anew", error)
        self.resource_version = ""
        return self._pauses.anew()

    # All of it.

    def _list(self) -> float:
        told = Gathered(self.objects.get, self._share)
        try:
            listed(self._api, self.resource, self._reading, told, self._page_now)
        except PagesExpired:
            self._page_now = 0
            raise
        self._page_now = self._page
        self._whole(told)
        return 0.0

    def _stream(self) -> float:
        """All as the first events of a watch, which then goes on. Where that does not work, lists are asked for."""
        began_s = self._monotonic()
        told = Gathered(self.objects.get, self._share)
        with self._opened({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}) as events:
            self._streams_all = False
            for event in events:
                if event.ends_initial:
                    self._streams_all = True
                    told.version = event.metadata.resource_version
                    self._whole(told)
                    return self._follow(events, began_s)
                told.take(event)
        return 0.0

    def _whole(self, told: Gathered[T]) -> None:
        """These are all that there are."""
        for name, why in told.left_out.items():
            self._name(name, why)
        news = self.objects.replace(told.objects, told.left_out)
        if not self.synced:
            self.synced, self.absent, self.denied = True, False, ""
            self._not_allowed.over()
            self.objects.touch()
            news = True
        self.lists += 1
        self._last = told.last or self._last
        self._heard(told.version)
        if news:
            self._changed()

    # What changes.

    def _watch(self) -> float:
        began_s = self._monotonic()
        with self._opened({"resourceVersion": self.resource_version}) as events:
            try:
                return self._follow(events, began_s)
            except Unreachable as error:
                self._breaks += 1
                if self._breaks >= BREAKS_MOST and not isinstance(error, ListAnew):
                    raise ListAnew(str(error)) from error
                raise

    def _follow(self, events: Iterator[Event[T]], began_s: float) -> float:
        """What a watch tells until the server ends it."""
        told = changed = False
        for event in events:
            self._apply(event)
            told, changed = True, changed or event.kind is not Kind.BOOKMARK
        if brief := self._monotonic() - began_s < BRIEF_S:
            if not told:
                return self._pauses.failed()
        else:
            self._pauses.works()
        self._heard(self.resource_version)
        return self._pauses.failed() if brief and not changed else 0.0

    def _apply(self, event: Event[T]) -> None:
        metadata = event.metadata
        if event.kind is Kind.DELETED:
            self.objects.drop(key_of(metadata), name_of(metadata))
        elif (new := event.object) is not None:
            key = key_of(metadata)
            if (like := self.objects.get(key) or self._last) is not None:
                self._share(new, like)
            self.objects.put(key, name_of(metadata), new)
            self._last = new
        elif event.kind is not Kind.BOOKMARK:
            self.objects.leave_out(key_of(metadata), name_of(metadata), event.why)
            self._name(name_of(metadata), event.why)
        self._heard(metadata.resource_version)
        if event.kind is not Kind.BOOKMARK:
            self._changed()

    @contextmanager
    def _opened(self, query: dict[str, str]) -> Iterator[Iterator[Event[T]]]:
        lasts_s = self._random.randint(*self._silence.watch_lasts_s)
        asked = {"allowWatchBookmarks": "true", "timeoutSeconds": str(lasts_s), **query}
        with self._api.watch(self.resource.path, query=asked, silence_s=lasts_s + self._silence.slack_s) as lines:
            yield self._events(lines)

    def _events(self, lines: Iterator[bytes]) -> Iterator[Event[T]]:
        for line in lines:
            if self._stopping:
                return
            yield self._reading.event(line)

    def _heard(self, version: str) -> None:
        self.resource_version, self.last_heard = version, self._monotonic()
        self.failing, self._breaks = "", 0
        self._pauses.answered()

    # What cannot be had.

    def _refused(self, error: ApiRefused) -> float:
        """A no. One for good is asked again much later, and what was known before does not stand."""
        if error.status == 410:
            return self._begin_anew(error)
        if error.status in (400, 422) and not self.resource_version and self._streams_all:
            self._streams_all = False
            return 0.0
        before = (self.synced, self.absent, self.denied)
        self.synced, self.resource_version, self.last_heard = False, "", None
        self.absent = error.status == 404
        self.denied = "" if self.absent else str(error)
        self.objects.replace({}, {})
        if self.denied:
            self._not_allowed.met(f"{error} (let our user list and watch it)")
        if before != (self.synced, self.absent, self.denied):
            self.objects.touch()
            self._changed()
        return self._pauses.refused()

    def _name(self, name: str, why: str) -> None:
        if name not in self._named and len(self._named) < NAMED_MOST:
            self._named.add(name)
            log.warning("%s %s is left out, as it cannot be read: %s", self.resource.name, name, why)
