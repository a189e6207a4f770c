"""Writing the audit of one replay, in whichever process that runs: the whole file, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from basics.whole_file import written_whole
from connectors.local.audit_file import AuditFile
from models.audit import AuditLog, Entry
from models.errors import BadInput, Unrecorded
from simulator.compare import OpenAudit


@contextmanager
def audit_to(path: Path | None, policy: str | None) -> Iterator[Mapping[str, OpenAudit]]:
    """How the replay of ``policy`` opens its audit, which is at ``path`` once all has ended well; nothing without."""
    if path is None or policy is None:
        yield {}
        return
    with written_whole(path) as part:
        yield {policy: AuditOf(part, path)}


@dataclass(frozen=True, slots=True)
class AuditOf:
    """Opens an audit; a value, so that it can be handed to another process. ``shown`` is the file of the messages."""

    part: Path
    shown: Path

    @contextmanager
    def __call__(self) -> Iterator[AuditLog]:
        """The audit, closed at the end. It is not synced after each entry: a replay can be run again."""
        with closing(AuditFile(self.part, sync=False)) as file:
            yield _OrEnd(file, self.shown)


class _OrEnd:
    """An audit whose failure ends the replay; a controller would go on without moving, and change the figures."""

    def __init__(self, audit: AuditLog, shown: Path) -> None:
        self._audit = audit
        self._shown = shown

    def append(self, entry: Entry) -> None:
        """See the port, but raises BadInput."""
        try:
            self._audit.append(entry)
        except Unrecorded as error:
            cause = error.__cause__
            what = (cause.strerror or str(cause)).lower() if isinstance(cause, OSError) else str(error)
            remedy = "free space, or name a file on another disk"
            raise BadInput(f"cannot be written: {what}", where=str(self._shown), remedy=remedy) from error
