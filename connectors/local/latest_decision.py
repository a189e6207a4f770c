"""The latest decision of each pool, whole, in a file of its own beside the audit: also one that changed nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from basics.log_once import Trouble
from basics.whole_file import write_atomically
from connectors.local.audit_file import read_audit
from connectors.local.audit_json import encode
from models.audit import AuditLog, Decided, Entry
from models.errors import BadInput

PREFIX = "last-plan."  # and the pool's name: how each file is called
EVERY_S = 60  # a pool of 10,000 nodes takes 2 MB and a quarter of a second, more than to decide on it

log = logging.getLogger("tidegate.audit")


class LatestDecisions:
    """An audit that is kept elsewhere, and of which the latest decision of each pool is also in ``folder``.

    One that the audit leaves out, since it changes nothing, is there too: what a person asks about is mostly the plan
    of now. Each file holds one entry as the audit has it, and is replaced once in ``EVERY_S`` at most; what moves nodes
    meanwhile is in the audit. Where it cannot be written the log says so, and nothing else changes.
    """

    def __init__(self, audit: AuditLog, folder: Path) -> None:
        self._audit = audit
        self._folder = folder
        self._written_s: dict[str, int] = {}
        self._trouble = Trouble(log, "the latest plan is not kept for tidegate plan")

    def append(self, entry: Entry) -> None:
        """See the port: the audit comes first."""
        self._audit.append(entry)
        if isinstance(entry, Decided) and self._is_due(entry):
            self._keep(entry)

    def _is_due(self, entry: Decided) -> bool:
        last_s = self._written_s.get(entry.pool.name)
        return last_s is None or not 0 <= entry.plan.at_s - last_s < EVERY_S

    def _keep(self, entry: Decided) -> None:
        try:
            write_atomically(latest_file(self._folder, entry.pool.name), encode(entry), own=True)
        except (BadInput, ValueError) as error:
            self._trouble.met(str(error))
        else:
            self._written_s[entry.pool.name] = entry.plan.at_s
            self._trouble.over()


def latest_file(folder: Path, pool: str) -> Path:
    """Where the latest decision of a pool is."""
    return folder / f"{PREFIX}{pool}"


def read_latest(folder: Path) -> Iterator[Decided]:
    """The latest decision of each pool that has one in the folder. Raises BadInput."""
    for path in sorted(folder.glob(f"{PREFIX}*")):
        yield from (entry for entry in read_audit(path, ("decided",)) if isinstance(entry, Decided))
