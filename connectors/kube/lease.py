"""A Lease of coordination.k8s.io/v1 as the port ``LeaseStore``.

What every leader election writes is in its spec, and ``kubectl get lease`` shows it; what is ours alone is in its
annotations. It is written by a merge patch that names the version that was read, so labels and annotations of others
stay. What a person wrote by hand is read as far as it can be: only orders that cannot be read keep everybody from
leading, as nobody knows then whether moves are paused.
"""

from __future__ import annotations

import binascii
import logging
import math
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from basics.log_once import Trouble
from connectors.kube.access.api import MERGE_PATCH, Answer, Api, ApiRefused, body_of, status_of
from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.sources.announced import read_requests, read_turned_back, write_requests
from connectors.sources.ordered import read_ordered, write_ordered
from models.acts import Outcome
from models.errors import Unreachable
from models.leadership import EPOCH_MOST, LeaseRecord, Orders, Pause

BEAT, EPOCH, REMEMBERED, ORDERS = (f"tidegate.dev/{name}" for name in ("beat", "epoch", "remembered", "orders"))
CALL_S = 4.0  # one call: a renewal that hangs, and the next one, fit into a lease
DURATION_MOST_S = 600.0  # of a lease that somebody wrote; ours last some seconds
BEAT_MOST = 2**53
ORDER_TRIES = 8  # of a person's change; a leader changes the Lease every other second
PLAIN_MOST = 1 << 14  # characters; what is longer is kept packed
TEXT_MOST = 1 << 23  # of what is remembered, unpacked
NOTES_MOST = 250_000  # bytes of all our annotations; the API server takes 256 KiB for all that there are
PACKED = "zlib:"

log = logging.getLogger("tidegate.lease")


class _Spec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct, frozen=True, gc=False):
    metadata: Metadata = EMPTY
    spec: _Spec | None = None


_Count = Annotated[int, msgspec.Meta(ge=0, le=BEAT_MOST)]


class _Own(msgspec.Struct, frozen=True, gc=False):
    paused: Pause | None = None
    resumes: _Count = 0
    ordered: Any = UNSET


class _Orders(msgspec.Struct, frozen=True, gc=False):
    paused: Pause | None = None
    resumes: _Count = 0
    pools: dict[str, _Own] = {}
    takeovers: Any = UNSET
    ordered: Any = UNSET
    turned_back: tuple[str, ...] | UnsetType = UNSET


_LEASES = msgspec.json.Decoder(_Lease)
_ORDERS = msgspec.json.Decoder(_Orders)


class KubeLeaseStore:
    """One Lease by its namespace and name; ``clock`` is what people see as the time of its renewal."""

    def __init__(self, api: Api, namespace: str, name: str, *, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases"
        self._one = f"{self._all}/{quote(name)}"
        self._refusals = Trouble(log, f"{self} cannot be written", over=f"{self} is written again")

    def __str__(self) -> str:
        return f"lease {self._namespace}/{self._name}"

    def read(self) -> LeaseRecord | None:
        """See the port. Unreachable, too, where we may not read it, or its orders cannot be read."""
        answer = self._api.ask("GET", self._one, timeout_s=CALL_S)
        if answer.status == 404:
            return None
        try:
            lease = _LEASES.decode(body_of(answer, str(self)))
        except ApiRefused as error:
            raise Unreachable(f"{error}; let us get, create and patch leases there") from error
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise Unreachable(f"{self} cannot be read: {error}") from error
        return self._record(lease)

    def write(self, lease: LeaseRecord) -> Outcome:
        """See the port."""
        notes = {
            EPOCH: str(lease.epoch),
            BEAT: str(lease.beat),
            REMEMBERED: _packed(lease.remembered),
            ORDERS: _text(lease.orders),
        }
        size = sum(len(key) + len(text.encode()) for key, text in notes.items())
        if size > NOTES_MOST:
            self._refusals.met(f"what is to be remembered takes {size} bytes, more than {NOTES_MOST}")
            return Outcome.REFUSED
        body = self._body(lease, notes)
        try:
            if lease.version:
                answer = self._api.ask("PATCH", self._one, body=body, content_type=MERGE_PATCH, timeout_s=CALL_S)
            else:
                answer = self._api.ask("POST", self._all, body=body, timeout_s=CALL_S)
        except Unreachable:
            return Outcome.UNKNOWN
        return self._outcome(answer, gone_is_usual=bool(lease.version))

    def order(self, new: Callable[[Orders], Orders]) -> LeaseRecord:
        """Replace the orders by ``new`` of them, and nothing else; makes a Lease that nobody holds where there is none.

        The Lease as it was before, but for the orders. Raises Unreachable, and then a next try may find it done.
        """
        for _ in range(ORDER_TRIES):
            found = self.read()
            if found is None:
                lease = LeaseRecord("", 0, 0, 0.0, new(Orders()))
                outcome = self.write(lease)
            else:
                lease = replace(found, orders=new(found.orders))
                outcome = self._annotate({ORDERS: _text(lease.orders)}, found.version)
            if outcome is Outcome.DONE:
                return lease
            if outcome is Outcome.UNKNOWN and self._orders_are(lease.orders):
                return lease
        raise Unreachable(f"{self}: somebody else was faster each time, or it cannot be written; try again")

    def _orders_are(self, wanted: Orders) -> bool:
        found = self.read()
        return found is not None and found.orders == wanted

    def _annotate(self, notes: Mapping[str, str], version: str) -> Outcome:
        body = {"metadata": {"annotations": notes, "resourceVersion": version}}
        try:
            answer = self._api.ask("PATCH", self._one, body=body, content_type=MERGE_PATCH, timeout_s=CALL_S)
        except Unreachable:
            return Outcome.UNKNOWN
        return self._outcome(answer, gone_is_usual=True)

    def _outcome(self, answer: Answer, *, gone_is_usual: bool) -> Outcome:
        """What is known now. That somebody else was faster, or has deleted it, needs no word."""
        if answer.ok:
            self._refusals.over()
            return Outcome.DONE
        if answer.status == 408 or answer.status >= 500:
            return Outcome.UNKNOWN
        if answer.status not in (409, 429) and not (answer.status == 404 and gone_is_usual):
            self._refusals.met(f"{answer.status} {status_of(answer).message or ''}".rstrip())
        return Outcome.REFUSED

    def _record(self, lease: _Lease) -> LeaseRecord:
        spec, notes = lease.spec or _Spec(), lease.metadata.annotations or {}
        return LeaseRecord(
            holder=spec.holder_identity or "",
            epoch=max(_epoch(spec.lease_transitions or 0), _epoch(_number(notes.get(EPOCH), EPOCH_MOST))),
            beat=_number(notes.get(BEAT), BEAT_MOST),
            duration_s=min(max(0.0, float(spec.lease_duration_seconds or 0)), DURATION_MOST_S),
            orders=self._orders(notes.get(ORDERS, "")),
            remembered=_unpacked(notes.get(REMEMBERED, "")),
            version=lease.metadata.resource_version,
        )

    def _orders(self, text: str) -> Orders:
        try:
            found = _ORDERS.decode(text) if text.strip() else _Orders()
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            command = f"kubectl -n {self._namespace} annotate lease {self._name} {ORDERS}-"
            told = f"{self}: its annotation {ORDERS} cannot be read, so whether moves are paused is not known: {error}"
            raise Unreachable(f"{told} (mend it; or remove it, and pause again what was paused: {command})") from error
        pools = {
            name: Orders(own.paused, own.resumes, ordered=read_ordered(own.ordered))
            for name, own in found.pools.items()
        }
        requests, ordered = read_requests(found.takeovers), read_ordered(found.ordered)
        return Orders(found.paused, found.resumes, pools, requests, ordered, read_turned_back(found.turned_back))

    def _body(self, lease: LeaseRecord, notes: Mapping[str, str]) -> Mapping[str, object]:
        """All of a new Lease; of one that is there, what is merged into it."""
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": math.ceil(lease.duration_s) or None,  # the API server takes no zero
            "leaseTransitions": lease.epoch,
            "renewTime": now,
        }
        metadata: dict[str, object] = {"name": self._name, "namespace": self._namespace, "annotations": notes}
        if lease.version:
            metadata["resourceVersion"] = lease.version
        return {"metadata": metadata, "spec": spec}


def _text(orders: Orders) -> str:
    pools = {name: _Own(own.paused, own.resumes, write_ordered(own.ordered)) for name, own in orders.pools.items()}
    requests, ordered = write_requests(orders.takeovers), write_ordered(orders.ordered)
    back = orders.turned_back or UNSET
    return msgspec.json.encode(_Orders(orders.paused, orders.resumes, pools, requests, ordered, back)).decode()


def _epoch(number: int) -> int:
    """One that a leader can have had, else that of a lease that was never led."""
    return number if 0 <= number <= EPOCH_MOST else 0


def _number(text: str | None, most: int) -> int:
    """The number in an annotation, zero where there is none that we can have written."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 16):
        return 0
    number = int(text)
    return number if number <= most else 0


def _packed(text: str) -> str:
    if len(text) <= PLAIN_MOST and not text.startswith(PACKED):
        return text
    return PACKED + b64encode(zlib.compress(text.encode())).decode()


def _unpacked(text: str) -> str:
    """What was packed; nothing where that cannot be, or would be too large."""
    if not text.startswith(PACKED):
        return text
    try:
        inflater = zlib.decompressobj()
        whole = inflater.decompress(b64decode(text.removeprefix(PACKED), validate=True), TEXT_MOST)
        return whole.decode() if inflater.eof else ""
    except (binascii.Error, zlib.error, UnicodeError):
        return ""
