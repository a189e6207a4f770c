"""Slurm's own command, as a checkup gives it to be pasted."""

from __future__ import annotations

import shlex


def scontrol(*argv: str) -> str:
    """A command to paste, whatever characters are in its names."""
    return shlex.join(("scontrol", *argv))
