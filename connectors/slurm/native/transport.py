"""Slurm's questions and changes put to the process that pyslurm is in, and what its answers mean."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from connectors.slurm import wire
from connectors.slurm.acts import NOT_ALLOWED, Said, is_slurms_no
from connectors.slurm.native.process import Process
from connectors.slurm.native.questions import NO_NUMBER, Ask
from connectors.slurm.transport import Booking
from models.errors import Unreachable

TIMEOUT_S = 15.0  # longer than libslurm's own limit, MessageTimeout, which is 10 s unless a site says otherwise
BULK_S = 30.0
SEEN = "seen "  # before the name of what a checkup asks for
OTHERWISE = "; what pyslurm cannot read (no_consume, amounts with a unit), spec.slurm.commands can, and over: rest"

log = logging.getLogger("tidegate.slurm")


class NativeTransport:
    """The ``Transport`` over pyslurm. ``bulk_s`` is how long an answer about all nodes or jobs may take.

    Raises BadInput when pyslurm cannot be used here, and Unreachable when libslurm does not find its Slurm.
    """

    def __init__(self, process: Process, *, timeout_s: float = TIMEOUT_S, bulk_s: float = BULK_S) -> None:
        self._process = process
        self._timeout_s = timeout_s
        self._bulk_s = bulk_s
        try:
            process.start()
        except BaseException:  # an interrupt, too: nobody has us yet, to close
            process.close()
            raise

    def diagnosis(self) -> wire.Diagnosis:
        """See the protocol."""
        return self.read(Ask("diagnosis"), wire.Diagnosis, self._timeout_s)

    def nodes(self) -> wire.Nodes:
        """See the protocol."""
        return self.read(Ask("nodes"), wire.Nodes, self._bulk_s)

    def node(self, name: str) -> wire.Node | None:
        """See the protocol."""
        shown = self.read(Ask("node", name), wire.Nodes, self._timeout_s).nodes or ()
        return next((node for node in shown if node.name == name), None)

    def jobs(self) -> wire.Jobs:
        """See the protocol."""
        return self.read(Ask("jobs"), wire.Jobs, self._bulk_s)

    def partitions(self) -> wire.Partitions:
        """See the protocol."""
        return self.read(Ask("partitions"), wire.Partitions, self._timeout_s)

    def reservations(self) -> wire.Reservations:
        """See the protocol."""
        return self.read(Ask("reservations"), wire.Reservations, self._timeout_s)

    def drain(self, names: Sequence[str], *, reason: str) -> Said | None:
        """See the protocol."""
        return self._write(Ask("drain", names=tuple(names), reason=reason))

    def undrain(self, names: Sequence[str]) -> Said | None:
        """See the protocol."""
        return self._write(Ask("undrain", names=tuple(names)))

    def reserve(self, booking: Booking) -> Said | None:
        """See the protocol."""
        end_s = booking.start_s + booking.duration_s
        return self._write(Ask("reserve", booking.name, (booking.node,), start_s=booking.start_s, end_s=end_s))

    def release(self, name: str) -> Said | None:
        """See the protocol."""
        return self._write(Ask("release", name))

    def read(self, ask: Ask, shape: type[wire.Shape], limit_s: float) -> wire.Shape:
        """What is told within ``limit_s``. Raises Unreachable when it is not told in full."""
        told = self._process.ask(ask, shape, limit_s)
        if told.errors:
            self._process.close()
            why = _text(told) + (OTHERWISE if any(fault.error_number == NO_NUMBER for fault in told.errors) else "")
            raise Unreachable(f"Slurm could not tell {ask.what.removeprefix(SEEN)} through pyslurm: {why}")
        return told

    def token_expires_s(self) -> int | None:
        """See the protocol: libslurm has its own credentials."""
        return None

    def close(self) -> None:
        """See the protocol."""
        self._process.close()

    def _write(self, ask: Ask) -> Said:
        what = f"{ask.what} {', '.join((ask.name, *ask.names[:10])).strip(', ')}"
        try:
            told = self._process.ask(ask, wire.Answer, self._timeout_s)
        except Unreachable as error:
            log.warning("%s may have happened or not: %s", what, error)
            return Said.UNSURE
        numbers = [fault.error_number for fault in told.errors]
        if not numbers:
            return Said.YES
        if NOT_ALLOWED in numbers:
            log.error("%s: the user that Tidegate runs as is no Slurm administrator: %s", what, _text(told))
        else:
            log.warning("%s: Slurm answered through pyslurm: %s", what, _text(told))
        if all(is_slurms_no(number) for number in numbers):
            return Said.NO
        self._process.close()
        return Said.UNSURE


def _text(told: wire.Answer) -> str:
    return "; ".join(str(fault) for fault in told.errors)
