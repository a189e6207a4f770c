"""Where Slurm's own commands and its library print one word, and REST tells more."""

from __future__ import annotations

RUNS = ("CONFIGURING", "POWER_UP_NODE", "RESIZING", "SIGNALING", "STOPPED")
WAITS = ("EXPEDITING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
STATES = (
    {flag: ("RUNNING", flag) for flag in RUNS}
    | {flag: ("PENDING", flag) for flag in WAITS}
    | {"STAGE_OUT": ("COMPLETED", "STAGE_OUT")}
)
"""The state that a job has below a flag: one word is shown, the flag before the state."""
_REASONS = {
    "ReqNodeNotAvail": "ReqNodeNotAvail",
    "Nodes required for job are DOWN, DRAINED": "Resources",
}
"""The reason that a description begins with: the description is shown where slurmctld gives one."""


def states(word: str) -> tuple[str, ...]:
    """The states of a job of which one word is shown."""
    return STATES.get(word, (word,))


def reason(text: str | None) -> str:
    """Why a job waits, in Slurm's own short word where there is one."""
    if text is None:
        return "None"
    return next((word for start, word in _REASONS.items() if text.startswith(start)), text)
