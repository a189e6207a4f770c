"""The audit of whoever decides: one file for all pools, and one process at a time that writes it."""

from __future__ import annotations

from connectors.local.audit_file import AuditFile
from connectors.local.latest_decision import LatestDecisions
from models.audit import AuditLog
from service.part import Part
from service.process import Process
from service.state_folder import AUDIT


class AuditPart(Part):
    """The file, and beside it the latest decision of each pool."""

    name = "audit"

    def __init__(self, log: AuditLog) -> None:
        self.log = log


def open_audit(process: Process) -> AuditPart:
    """Open it before anything else of the state is read: who has it open changes the rest. Raises BadInput."""
    state = process.site.spec.state
    file = AuditFile(state / AUDIT)
    process.at_end.callback(file.close)
    return AuditPart(LatestDecisions(file, state))
