"""What Slurm is asked, in whatever way it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.slurm import wire
from connectors.slurm.acts import Said


@dataclass(frozen=True, slots=True)
class Booking:
    """A reservation of one node for root alone, which running work does not hinder."""

    name: str
    node: str
    start_s: int
    duration_s: int


class Transport(Protocol):
    """One Slurm. What is asked for is always asked of slurmctld at once.

    A reading raises Unreachable when it is not told in full. A write is sent once and raises nothing: it says yes, no
    where slurmctld itself did, else that it is not known; None when this Slurm has no such request. Why it is no yes
    has been logged.
    """

    def diagnosis(self) -> wire.Diagnosis:
        """slurmctld's clock, and since when it runs."""

    def nodes(self) -> wire.Nodes:
        """Every node."""

    def node(self, name: str) -> wire.Node | None:
        """One node; None when there is none of the name."""

    def jobs(self) -> wire.Jobs:
        """Every job that Slurm has not forgotten."""

    def partitions(self) -> wire.Partitions:
        """Every partition."""

    def reservations(self) -> wire.Reservations:
        """Every reservation."""

    def drain(self, names: Sequence[str], *, reason: str) -> Said | None:
        """No new work starts on the nodes, for this reason: all in one request."""

    def undrain(self, names: Sequence[str]) -> Said | None:
        """The drain is taken from the nodes, and nothing else: all in one request."""

    def reserve(self, booking: Booking) -> Said | None:
        """Make the reservation."""

    def release(self, name: str) -> Said | None:
        """Drop the reservation of the name."""

    def token_expires_s(self) -> int | None:
        """When the token in use ends, in seconds since 1970; None where there is none, or it does not say."""

    def close(self) -> None:
        """Let go of what is kept open."""
