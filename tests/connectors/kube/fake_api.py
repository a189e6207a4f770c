"""An API server in the process, behind the protocol ``Api``, for tests that need no socket.

``put`` and ``drop`` are the hands of users and controllers; ``rules`` make it answer wrongly. A watch ends by itself
when all is told (as one whose timeoutSeconds are over), so that a test needs no thread; ``patient`` ones wait for more
for so long, or until ``close``. ``fake_http.py`` puts it behind a socket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from connectors.kube.access.api import SOME_S, Answer, ApiRefused, body_of
from models.errors import Unreachable
from tests.connectors.kube.fake_eviction import evicted
from tests.connectors.kube.fake_store import Change, Key, Object, Served, Store, chosen, merged
from tests.patience import LONG_S

INITIAL_END = "k8s.io/initial-events-end"
SERVED = (
    Served("/api/v1", "nodes", "Node", namespaced=False),
    Served("/api/v1", "pods", "Pod"),
    Served("/api/v1", "events", "Event"),
    Served("/api/v1", "namespaces", "Namespace", namespaced=False),
    Served("/apis/apps/v1", "daemonsets", "DaemonSet"),
    Served("/apis/apps/v1", "deployments", "Deployment"),
    Served("/apis/apps/v1", "statefulsets", "StatefulSet"),
    Served("/apis/batch/v1", "jobs", "Job"),
    Served("/apis/batch/v1", "cronjobs", "CronJob"),
    Served("/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    Served("/apis/coordination.k8s.io/v1", "leases", "Lease"),
)
_PATH = re.compile(r"(/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def watches(self) -> bool:
        return "watch" in self.query


@dataclass(slots=True)
class Rule:
    """What is done wrong, ``times`` times, with requests that ``where`` is true of: an answer, an error that is raised,
    or for a watch ``lines``: the stream as it would be in, what is told out."""

    where: Callable[[Asked], bool]
    answer: Answer | None = None
    error: Exception | None = None
    lines: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None
    times: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    served: Served
    namespace: str = ""
    name: str = ""
    sub: str = ""

    @property
    def key(self) -> Key:
        return (self.namespace, self.name)


class FakeApi:
    """The API server. ``watch_list`` is whether it knows ``sendInitialEvents``: else it answers 422, or ``None`` to
    pass over it as before 1.27."""

    def __init__(
        self, served: tuple[Served, ...] = SERVED, *, watch_list: bool | None = True, patient: bool = False
    ) -> None:
        self.store = Store()
        self.served = list(served)
        self.watch_list = watch_list
        self.patient = patient
        self.rules: list[Rule] = []
        self.asked: list[Asked] = []
        self.closed = False
        self.before: Callable[[Asked], None] = lambda asked: None  # the hand of somebody who is a little faster

    # What users and controllers do.

    def put(self, plural: str, object_: Mapping[str, Any]) -> Object:
        """Make or change an object of that resource, as its status, too, says now."""
        return self.store.put(self._of(plural), object_)

    def drop(self, plural: str, name: str, namespace: str = "") -> None:
        self.store.drop(self._of(plural), (namespace, name))

    def get(self, plural: str, name: str, namespace: str = "") -> Object | None:
        return self.store.get(self._of(plural), (namespace, name))

    def all(self, plural: str) -> list[Object]:
        return self.store.all(self._of(plural))

    def refuse(self, method: str, path: str, status: int = 403, reason: str = "Forbidden", times: int = 10**6) -> Rule:
        """Say no to requests whose path matches; a rule that can be taken out of ``rules`` again."""
        told = refused(status, reason, f"{method} {path} is not allowed to this user")
        rule = Rule(
            lambda asked: asked.method == method and re.fullmatch(path, asked.path) is not None, told, times=times
        )
        self.rules.append(rule)
        return rule

    # The protocol.

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
        asked = Asked(method, path, dict(query or {}), json.loads(json.dumps(body)))
        self.before(asked)
        self.asked.append(asked)
        if (rule := self._rule(asked)) is not None:
            if rule.error is not None:
                raise rule.error
            assert rule.answer is not None
            return rule.answer
        return self._discovered(path) or self._answered(asked, content_type)

    @contextmanager
    def watch(self, path: str, *, query: Mapping[str, str], silence_s: float) -> Iterator[Iterator[bytes]]:
        asked = Asked("GET", path, {**query, "watch": "true"})
        self.before(asked)
        self.asked.append(asked)
        rule = self._rule(asked)
        if rule is not None and rule.error is not None:
            raise rule.error
        if rule is not None and rule.answer is not None:
            body_of(rule.answer, path)
        place = self._place(path)
        if place is None:
            raise ApiRefused(404, "NotFound", f"{path}: the server could not find the requested resource")
        if query.get("sendInitialEvents") == "true" and self.watch_list is False:
            raise ApiRefused(422, "Invalid", "sendInitialEvents: Forbidden: needs the feature gate WatchList")
        told = self._told(place, asked.query)
        yield rule.lines(told) if rule is not None and rule.lines is not None else told

    def close(self) -> None:
        with self.store.changed:
            self.closed = True
            self.store.changed.notify_all()

    # How it does it.

    def _of(self, plural: str) -> Served:
        return next(served for served in self.served if served.plural == plural)

    def _rule(self, asked: Asked) -> Rule | None:
        rule = next((rule for rule in self.rules if rule.times > 0 and rule.where(asked)), None)
        if rule is not None:
            rule.times -= 1
        return rule

    def _place(self, path: str) -> Place | None:
        found = _PATH.fullmatch(path)
        if not found:
            return None
        base, namespace, plural, name, sub = found.groups()
        served = next((one for one in self.served if (one.base, one.plural) == (base, plural)), None)
        return None if served is None else Place(served, namespace or "", name or "", sub or "")

    def _discovered(self, path: str) -> Answer | None:
        groups = {served.version for served in self.served if served.base.startswith("/apis/")}
        if path == "/version":
            return said(200, {"major": "1", "minor": "37", "gitVersion": "v1.37.2"})
        if path == "/apis":
            names = sorted({group.partition("/")[0] for group in groups})
            told = [{"name": name, "versions": _versions(name, groups)} for name in names]
            return said(200, {"kind": "APIGroupList", "groups": told})
        if path == "/api/v1" or path.removeprefix("/apis/") in groups:
            here = [served for served in self.served if served.base == path]
            verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
            told = [
                {"name": one.plural, "kind": one.kind, "namespaced": one.namespaced, "verbs": verbs} for one in here
            ]
            return said(200, {"kind": "APIResourceList", "resources": told})
        return None

    def _answered(self, asked: Asked, content_type: str) -> Answer:
        place = self._place(asked.path)
        if place is None:
            return refused(404, "NotFound", "the server could not find the requested resource")
        with self.store.changed:
            if asked.method == "GET":
                return self._listed(place, asked.query) if not place.name else self._got(place)
            if asked.method == "POST" and place.sub == "eviction":
                return evicted(self.store, place.served, self._of("poddisruptionbudgets"), place.key, asked.body)
            if asked.method == "POST":
                return self._created(place, asked.body)
            if asked.method == "PATCH":
                return self._patched(place, asked.body, content_type)
            if asked.method == "PUT":
                return self._replaced(place, asked.body)
            if asked.method == "DELETE":
                gone = self.store.drop(place.served, place.key)
                return said(200, gone) if gone else self._missing(place)
        return refused(405, "MethodNotAllowed", asked.method)

    def _missing(self, place: Place) -> Answer:
        return refused(404, "NotFound", f'{place.served.plural} "{place.name}" not found')

    def _got(self, place: Place) -> Answer:
        found = self.store.get(place.served, place.key)
        return said(200, found) if found else self._missing(place)

    def _listed(self, place: Place, query: Mapping[str, str]) -> Answer:
        """A page; ``continue`` holds the revision and where it goes on: changes in between are answered with 410."""
        items = [one for one in self.store.all(place.served, place.namespace) if chosen(one, query)]
        revision, begin = self.store.revision, 0
        if token := query.get("continue"):
            revision, begin = (int(part) for part in token.split("."))
            if revision < self.store.compacted or any(self.store.since(place.served.path, revision)):
                return refused(410, "Expired", "The provided continue parameter is too old")
        limit = int(query.get("limit") or 0) or len(items)
        meta: Object = {"resourceVersion": str(revision)}
        if begin + limit < len(items):
            meta |= {"continue": f"{revision}.{begin + limit}", "remainingItemCount": len(items) - begin - limit}
        kind = f"{place.served.kind}List"
        return said(200, {"kind": kind, "metadata": meta, "items": items[begin : begin + limit] or None})

    def _created(self, place: Place, body: Object) -> Answer:
        meta = dict(body.get("metadata") or {})
        meta |= {"namespace": place.namespace} if place.namespace else {}
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + uuid5(NAMESPACE_OID, str(self.store.revision)).hex[:5]
        if self.store.get(place.served, (place.namespace, meta["name"])):
            return refused(409, "AlreadyExists", f'{place.served.plural} "{meta["name"]}" already exists')
        return said(201, self.store.put(place.served, {**body, "metadata": meta}))

    def _patched(self, place: Place, body: Object, content_type: str) -> Answer:
        """A merge patch, of the status where the path says so."""
        if content_type != "application/merge-patch+json":
            return refused(415, "UnsupportedMediaType", content_type)
        old = self.store.get(place.served, place.key)
        if old is None:
            return self._missing(place)
        return self._changed(place, old, merged(old, body), (body.get("metadata") or {}).get("resourceVersion"))

    def _replaced(self, place: Place, body: Object) -> Answer:
        old = self.store.get(place.served, place.key)
        if old is None:
            return self._missing(place)
        return self._changed(place, old, body, (body.get("metadata") or {}).get("resourceVersion"))

    def _changed(self, place: Place, old: Object, new: Object, version: str | None) -> Answer:
        if version and version != old["metadata"]["resourceVersion"]:
            why = f'Operation cannot be fulfilled on {place.served.plural} "{place.name}": the object has been modified'
            return refused(409, "Conflict", f"{why}; please apply your changes to the latest version and try again")
        return said(200, self.store.put(place.served, new))

    def _told(self, place: Place, query: Mapping[str, str]) -> Iterator[bytes]:
        """The events, with bookmarks where they are allowed."""
        revision = int(query.get("resourceVersion") or 0)
        initial = query.get("sendInitialEvents") == "true" or not revision
        bookmarks = query.get("allowWatchBookmarks") == "true"
        with self.store.changed:
            now = self.store.all(place.served, place.namespace) if initial else []
            revision = self.store.revision if initial else revision
            too_old = revision < self.store.compacted
        if too_old:
            yield event("ERROR", json.loads(refused(410, "Expired", f"too old resource version: {revision}").body))
            return
        yield from (event("ADDED", one) for one in now if chosen(one, query))
        if initial and bookmarks and self.watch_list and query.get("sendInitialEvents") == "true":
            yield self._bookmark(place, revision, {INITIAL_END: "true"})
        while True:
            news = self._news(place, revision, query)
            for change in news:
                if _seen(change, place, query):
                    yield from _line(change, query)
                revision = change.revision
            if self.closed or not news:
                break
        if bookmarks and not self.closed:
            yield self._bookmark(place, self.store.revision, {})

    def _news(self, place: Place, revision: int, query: Mapping[str, str]) -> list[Change]:
        """Patiently until there are some; none when there were none for as long as the watch may last."""
        lasts_s = float(query.get("timeoutSeconds", LONG_S))
        with self.store.changed:
            if self.patient:
                self.store.changed.wait_for(
                    lambda: self.closed or any(self.store.since(place.served.path, revision)), timeout=lasts_s
                )
            return list(self.store.since(place.served.path, revision))

    def _bookmark(self, place: Place, revision: int, annotations: Mapping[str, str]) -> bytes:
        meta = {"resourceVersion": str(revision), "creationTimestamp": None, "annotations": dict(annotations)}
        return event("BOOKMARK", {"kind": place.served.kind, "apiVersion": place.served.version, "metadata": meta})


def _versions(name: str, groups: set[str]) -> list[dict[str, str]]:
    return [{"groupVersion": g, "version": g.partition("/")[2]} for g in sorted(groups) if g.startswith(f"{name}/")]


def _seen(change: Change, place: Place, query: Mapping[str, str]) -> bool:
    return not place.namespace or change.object["metadata"].get("namespace") == place.namespace


def _line(change: Change, query: Mapping[str, str]) -> Iterator[bytes]:
    """The event; what a selector does not choose any more is told as deleted."""
    is_chosen = chosen(change.object, query)
    was_chosen = change.was is not None and chosen(change.was, query)
    if change.kind == "DELETED":
        if is_chosen:
            yield event("DELETED", change.object)
    elif is_chosen:
        yield event("MODIFIED" if was_chosen else "ADDED", change.object)
    elif was_chosen:
        yield event("DELETED", change.object)


def event(kind: str, object_: Mapping[str, Any]) -> bytes:
    """One line of a watch."""
    return json.dumps({"type": kind, "object": object_}).encode()


def said(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())


def refused(
    status: int, reason: str, message: str, *, causes: tuple[str, ...] = (), retry_after_s: int | None = None
) -> Answer:
    """A Status as an API server says no."""
    details: Object = {"causes": [{"reason": cause, "message": message} for cause in causes]}
    details |= {} if retry_after_s is None else {"retryAfterSeconds": retry_after_s}
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    body = json.dumps({**told, "code": status, "details": details}).encode()
    return Answer(status, body, None if retry_after_s is None else float(retry_after_s))


def away() -> Unreachable:
    return Unreachable("the API server at https://cluster:6443 gave no answer: connection refused")
