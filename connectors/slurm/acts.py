"""What a node shows, before and after an act, says what is to be done and what has become of it: pure."""

from __future__ import annotations

from enum import Enum

from connectors.slurm import flags
from connectors.slurm.names import given_reason
from connectors.slurm.wire import Node
from models.acts import Outcome

NOT_ALLOWED = 2010  # ESLURM_USER_ID_MISSING: the token's user is no administrator
OF_SLURM = range(2000, 3000)  # slurmctld's own answers; below are errors on the way to it


class Said(Enum):
    """What became of a request, by its answer."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


def is_slurms_no(number: int) -> bool:
    """Whether an error of this number is slurmctld's own answer: nothing has happened, unless what is read shows it.

    Slurm before 26.05.2 ends the drain of a node that has not registered since slurmctld began, and answers 2028.
    """
    return number in OF_SLURM


def before_drain(node: Node | None, mark: str) -> Outcome | None:
    """What is known before anything is asked for; None when it has to be asked for.

    A node that is being switched on for a job is not: Slurm would send the job back to the queue.
    """
    shown = _drained(node, mark)
    if shown is None and node is not None and flags.is_waking_for_work(flags.flags_of(node.state)):
        return Outcome.REFUSED
    return shown


def before_undrain(node: Node | None, mark: str) -> Outcome | None:
    """The same for the way back."""
    if node is None:
        return Outcome.REFUSED
    if not flags.is_drained(flags.flags_of(node.state)):
        return Outcome.DONE
    return None if given_reason(node.reason) == mark else Outcome.REFUSED


def after_drain(node: Node | None, mark: str, answer: Said) -> Outcome:
    """What the node shows after it was asked for; where it shows nothing of it, what the answer was."""
    return _drained(node, mark) or by(answer)


def after_undrain(node: Node | None, mark: str, answer: Said) -> Outcome:
    """The same for the way back."""
    return before_undrain(node, mark) or by(answer)


def _drained(node: Node | None, mark: str) -> Outcome | None:
    """Done when it is drained with our mark, refused when with another; None when it is not drained."""
    if node is None:
        return Outcome.REFUSED
    if not flags.is_drained(flags.flags_of(node.state)):
        return None
    return Outcome.DONE if given_reason(node.reason) == mark else Outcome.REFUSED


def by(answer: Said) -> Outcome:
    """What an answer says alone."""
    return Outcome.REFUSED if answer is Said.NO else Outcome.UNKNOWN
