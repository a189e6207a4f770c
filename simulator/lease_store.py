"""A lease in memory, as the port ``LeaseStore``: what a Kubernetes Lease is to real candidates."""

from __future__ import annotations

from dataclasses import replace

from models.acts import Outcome
from models.leadership import LeaseRecord


class TwinLeaseStore:
    """One lease with a version that changes at each write."""

    def __init__(self) -> None:
        self.lease: LeaseRecord | None = None
        self._writes = 0

    def read(self) -> LeaseRecord | None:
        """See the port."""
        return self.lease

    def write(self, lease: LeaseRecord) -> Outcome:
        """See the port."""
        version = "" if self.lease is None else self.lease.version
        if lease.version != version:
            return Outcome.REFUSED
        self._writes += 1
        self.lease = replace(lease, version=str(self._writes))
        return Outcome.DONE
