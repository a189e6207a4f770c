"""Slurm's questions and changes as requests to slurmrestd, and what its answers to changes mean."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from connectors.slurm import wire
from connectors.slurm.acts import NOT_ALLOWED, Said, is_slurms_no
from connectors.slurm.rest.client import Denied, NotOffered, Reply, Rest
from connectors.slurm.transport import Booking
from models.errors import Unreachable

ADVICE = "name the folder of Slurm's commands as spec.slurm.commands: squeue reads them in a fraction of a second"
BULK_S = 30.0  # a hundred thousand jobs are hundreds of megabytes

log = logging.getLogger("tidegate.slurm")


class RestTransport:
    """The ``Transport`` over one slurmrestd. ``bulk_s`` is how long an answer about all nodes or jobs may take."""

    def __init__(self, rest: Rest, *, bulk_s: float = BULK_S) -> None:
        self._rest = rest
        self._bulk_s = bulk_s

    def diagnosis(self) -> wire.Diagnosis:
        """See the protocol."""
        return self._rest.get("diag", wire.Diagnosis)

    def nodes(self) -> wire.Nodes:
        """See the protocol."""
        return self._rest.get("nodes/", wire.Nodes, timeout_s=self._bulk_s)

    def node(self, name: str) -> wire.Node | None:
        """See the protocol. The name goes into an address as it is."""
        answer = self._rest.get(f"node/{name}", wire.Nodes, lenient=True)
        if answer.nodes is None and not answer.errors:
            raise Unreachable(f"slurmrestd answered neither with node {name} nor that there is none")
        return next((node for node in answer.nodes or () if node.name == name), None)

    def jobs(self) -> wire.Jobs:
        """See the protocol."""
        try:
            return self._rest.get("jobs/", wire.Jobs, timeout_s=self._bulk_s)
        except Unreachable as error:
            if isinstance(error.__cause__, TimeoutError):  # it may go on building the answer for minutes
                raise Unreachable(f"{error}; with thousands of jobs, {ADVICE}") from error.__cause__
            raise

    def partitions(self) -> wire.Partitions:
        """See the protocol."""
        return self._rest.get("partitions/", wire.Partitions)

    def reservations(self) -> wire.Reservations:
        """See the protocol."""
        return self._rest.get("reservations/", wire.Reservations)

    def drain(self, names: Sequence[str], *, reason: str) -> Said | None:
        """See the protocol. Several nodes in one request can be had from v0.0.42 on."""
        return self._update(names, {"state": ["DRAIN"], "reason": reason})

    def undrain(self, names: Sequence[str]) -> Said | None:
        """See the protocol. Several nodes in one request can be had from v0.0.42 on."""
        return self._update(names, {"state": ["UNDRAIN"]})

    def reserve(self, booking: Booking) -> Said | None:
        """See the protocol."""
        body = {
            "name": booking.name,
            "start_time": _number(booking.start_s),
            "duration": _number(booking.duration_s // 60),
            "node_list": [booking.node],
            "users": ["root"],
            "flags": ["IGNORE_JOBS"],
        }
        return self._write("POST", "reservation", body, f"reserve {booking.node}")

    def release(self, name: str) -> Said | None:
        """See the protocol. The name goes into an address as it is."""
        return self._write("DELETE", f"reservation/{name}", None, f"drop reservation {name}")

    def token_expires_s(self) -> int | None:
        """See the protocol."""
        return self._rest.tokens.expires_s

    def close(self) -> None:
        """See the protocol."""
        self._rest.close()

    def _update(self, names: Sequence[str], body: Mapping[str, object]) -> Said | None:
        what = f"{body['state']} of {', '.join(sorted(names)[:10])}"
        if len(names) > 1:
            return self._write("POST", "nodes/", {**body, "name": list(names)}, what, quiet=True)
        return self._write("POST", f"node/{names[0]}", body, what)

    def _write(
        self, method: str, path: str, body: Mapping[str, object] | None, what: str, *, quiet: bool = False
    ) -> Said | None:
        """What the answer says; None when this release has no such request."""
        try:
            reply = self._rest.write(method, path, body)
        except NotOffered as error:
            if not quiet:
                log.error("%s: this release of Slurm cannot do it over REST: %s", what, error)
            return None
        except Denied as error:
            log.error("%s: %s", what, error)
            return Said.UNSURE
        except Unreachable as error:
            log.warning("%s may have happened or not: %s", what, error)
            return Said.UNSURE
        answer = said(reply)
        if is_not_allowed(reply):
            log.error("%s: the token in %s is no Slurm administrator's: %s", what, self._rest.tokens.path, reply.text)
        elif answer is not Said.YES:
            log.warning("%s: Slurm answered %d: %s", what, reply.status, reply.text)
        return answer


def said(reply: Reply) -> Said:
    """Yes, no, or that it is not known: it is a no only where slurmctld itself said it."""
    if reply.faults is None:
        return Said.UNSURE
    faults = [fault.error_number for fault in reply.faults]
    if reply.status == 200 and not faults:
        return Said.YES
    if faults and all(is_slurms_no(number) for number in faults if number):
        return Said.NO
    return Said.NO if reply.status in (400, 405, 422) else Said.UNSURE


def is_not_allowed(reply: Reply) -> bool:
    """Whether the answer is that we may not do such a thing."""
    return any(fault.error_number == NOT_ALLOWED for fault in reply.faults or ())


def _number(value: int) -> dict[str, object]:
    return {"set": True, "infinite": False, "number": value}
