"""The audit of whoever decides: one file for all pools, and one process at a time that writes it."""

from __future__ import annotations

from connectors.local.audit_file import AuditFile
from service.part import Part
from service.process import Process
from service.state_folder import AUDIT


class AuditPart(Part):
    """The file."""

    name = "audit"

    def __init__(self, file: AuditFile) -> None:
        self.file = file


def open_audit(process: Process) -> AuditPart:
    """Open it before anything else of the state is read: who has it open changes the rest. Raises BadInput."""
    file = AuditFile(process.site.spec.state / AUDIT)
    process.at_end.callback(file.close)
    return AuditPart(file)
