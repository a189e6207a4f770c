"""What each stage of a hand-over, and each thing that can be seen of one, means to a person. Every one is here."""

from __future__ import annotations

from collections.abc import Mapping

from controller.handover.table import Seen
from models.handovers import Stage

STAGE_DESCRIPTIONS: Mapping[Stage, str] = {
    Stage.PLANNED: "the plan wants the move; nothing has been asked for yet",
    Stage.RESERVED: "the node is booked in the HPC scheduler from an hour on; short jobs still run until then",
    Stage.DRAINING: "the HPC side is closed to new jobs; running ones go on",
    Stage.DRAINED: "the HPC side is closed and empty",
    Stage.DISCOURAGED: "new pods prefer other nodes; nothing is forbidden yet",
    Stage.CLOSED: "Kubernetes is closed to new pods, or asked to close",
    Stage.EMPTYING: "Kubernetes is closed; pods that were there are still ending",
    Stage.EMPTY: "Kubernetes is closed and no pod is left that would have to leave",
    Stage.SETTLED: "the node was seen empty twice, far enough apart; the site's hook runs, and the new side must see"
    " the node whole",
    Stage.OPENING: "the new side has been asked to open the node",
    Stage.DONE: "the new side has the node",
    Stage.CANCELLING: "it turns back: what was closed is opened again",
    Stage.CANCELLED: "the old side has the node again, or someone else has taken it in hand",
    Stage.STUCK: "it cannot end by itself: a person is needed",
}
SEEN_DESCRIPTIONS: Mapping[Seen, str] = {
    Seen.BREACH: "neither side is closed: one must be, at once",
    Seen.NEW_EARLY: "someone else opened the new side before we did",
    Seen.FOREIGN: "someone else drained, cordoned, reserved, reopened or replaced the node",
    Seen.LATE: "the deadline has passed",
    Seen.CANCEL: "the move is no longer wanted",
    Seen.OLD_OPEN: "the old side is open",
    Seen.TO_BOOK: "the old side is open, and to be booked before it is closed",
    Seen.BOOKED: "the old side is open, and booked by us",
    Seen.DISCOURAGED: "the old side is open, and new pods prefer other nodes",
    Seen.OLD_BUSY: "the old side is closed by us, and work still runs there",
    Seen.OLD_EMPTY: "the old side is closed by us, and empty",
    Seen.OLD_EMPTY_LONG: "the old side is closed by us, and has been empty for the settle time",
    Seen.UNFIT: "the new side does not see the node as it should: not Ready, or without something that it had",
    Seen.UNHEALTHY: "the same, for longer than the fit deadline",
    Seen.FIT: "the site's hook is done, and the new side sees the node as it should",
    Seen.NEW_BUSY: "both sides are closed, and work runs on the new one",
    Seen.NEW_REFUSED: "opening the new side was refused for good, and nothing of it happened",
    Seen.NEW_OPENING: "the new side was asked to open and is not Ready, or lacks something, yet",
    Seen.NEW_OPEN: "the new side is open, and whole",
}
