"""What a scheduler tells of itself: its name, how long its writes may take, and what a person types to it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

PLACE = "{node}"  # in a command, where the node's name goes


@dataclass(frozen=True, slots=True)
class SchedulerFacts:
    """One scheduler's name for people, numbers in seconds, and commands.

    ``settle_s`` is the least pause between the moment a node is seen closed and empty and the second look: in less, a
    crash of the scheduler can undo the closing unseen. ``write_longest_s`` is after how long a write that hangs is
    given up, ``lands_s`` after how long one that was given up has happened or never will. ``books``: whether a
    reservation keeps work off a node from an hour on. The commands have ``{node}`` where a node's name goes; they are
    empty where there is nothing that a person could type. ``forget_command`` removes our record from the node.
    """

    name: str
    settle_s: int
    lands_s: int
    write_longest_s: float
    books: bool = True
    show_command: str = ""
    open_command: str = ""
    forget_command: str = ""

    def __post_init__(self) -> None:
        if self.settle_s < 0 or not 0 < self.write_longest_s <= self.lands_s:
            raise ValueError(f"a write cannot land before it is given up, nor anything take no time: {self}")

    def show(self, node: str) -> str:
        """The command that shows a person the node, to be pasted into a shell; empty where there is none."""
        return self.show_command.replace(PLACE, shlex.quote(node))

    def open(self, node: str) -> str:
        """The command that opens the node to this scheduler, likewise."""
        return self.open_command.replace(PLACE, shlex.quote(node))

    def forget(self, node: str) -> str:
        """The command that removes our record from the node, likewise."""
        return self.forget_command.replace(PLACE, shlex.quote(node))
