"""What a node shows, before and after an act, says what is to be done and what has become of it: pure."""

from __future__ import annotations

from enum import Enum

from connectors.slurm import flags
from connectors.slurm.client import Reply
from connectors.slurm.wire import Answer, Node, decode
from models.acts import Outcome
from models.errors import Unreachable

NOT_ALLOWED = 2010  # ESLURM_USER_ID_MISSING: the token's user is no operator
OF_SLURM = range(2000, 3000)  # slurmctld's own answers; below are errors on the way to it


class Said(Enum):
    """What became of a request, by its answer."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


def said(reply: Reply) -> Said:
    """Yes, no, or that it is not known: it is a no only where slurmctld itself said it."""
    try:
        faults = [fault.error_number for fault in decode(reply.body, Answer).errors]
    except Unreachable:
        return Said.UNSURE
    if reply.status == 200 and not faults:
        return Said.YES
    if faults and all(number in OF_SLURM for number in faults if number):
        return Said.NO
    return Said.NO if reply.status in (400, 405, 422) else Said.UNSURE


def is_not_allowed(reply: Reply) -> bool:
    """Whether the answer is that we may not do such a thing."""
    try:
        return any(fault.error_number == NOT_ALLOWED for fault in decode(reply.body, Answer).errors)
    except Unreachable:
        return False


def before_drain(node: Node | None, mark: str) -> Outcome | None:
    """What is known before anything is asked for; None when it has to be asked for."""
    if node is None:
        return Outcome.REFUSED
    if not flags.is_drained(flags.flags_of(node.state)):
        return None
    return Outcome.DONE if node.reason == mark else Outcome.REFUSED


def before_undrain(node: Node | None, mark: str) -> Outcome | None:
    """The same for the way back."""
    if node is None:
        return Outcome.REFUSED
    if not flags.is_drained(flags.flags_of(node.state)):
        return Outcome.DONE
    return None if node.reason == mark else Outcome.REFUSED


def after_drain(node: Node | None, mark: str, answer: Said) -> Outcome:
    """What the node shows after it was asked for; where it shows nothing of it, what the answer was."""
    shown = before_drain(node, mark)
    return _by(answer) if shown is None else shown


def after_undrain(node: Node | None, mark: str, answer: Said) -> Outcome:
    """The same for the way back."""
    shown = before_undrain(node, mark)
    return _by(answer) if shown is None else shown


def _by(answer: Said) -> Outcome:
    return Outcome.REFUSED if answer is Said.NO else Outcome.UNKNOWN
