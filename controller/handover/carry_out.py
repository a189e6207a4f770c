"""Carrying out: asks the ports for what a step wants, and says what is known of it. The only hand-over code that does
I/O."""

from __future__ import annotations

from controller.handover.step import Command, Verb
from models.ports import HpcScheduler, Kubernetes, Outcome


def carry_out(command: Command, hpc: HpcScheduler, kubernetes: Kubernetes) -> Outcome:
    """Ask once. The outcome is for the record: the next step follows from what is seen, not from this."""
    node, mark = command.node, command.mark
    match command.verb:
        case Verb.DRAIN:
            return hpc.drain(node, mark=mark)
        case Verb.UNDRAIN:
            return hpc.undrain(node, mark=mark)
        case Verb.DISCOURAGE:
            return kubernetes.discourage(node, mark=mark)
        case Verb.CLOSE:
            return kubernetes.close(node, mark=mark)
        case Verb.OPEN:
            return kubernetes.open(node, mark=mark)
