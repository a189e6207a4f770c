"""Runs one of Slurm's commands to its end: as whom, with which slurm.conf, for how long."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from connectors.slurm.token import TokenFile
from models.errors import BadInput, Unreachable

NAMES = ("scontrol", "squeue")
SAID_MOST = 300  # characters of a complaint, for the log
THEIRS = ("SLURM", *(name.upper() for name in NAMES))  # how the names begin of all that Slurm's commands look for
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")  # all else of THEIRS would change what is printed
PLAIN = {
    "LC_ALL": "C",
    "TZ": "UTC",
    "SLURM_TIME_FORMAT": "%s",  # seconds since 1970
    "SLURM_BITSTR_LEN": "0",  # the tasks of an array in full
}


class Commands:
    """Slurm's commands in ``folder``, with ``conf`` as slurm.conf if given.

    They speak to slurmctld with the token in ``tokens``, or, without one, as the user that Tidegate runs as. Raises
    BadInput when a command is not there.
    """

    def __init__(self, folder: Path, *, conf: Path | None = None, tokens: TokenFile | None = None) -> None:
        self._folder = folder
        self._conf = conf
        self._tokens = tokens
        for name in NAMES:
            if not os.access(folder / name, os.X_OK):
                raise BadInput(
                    f"there is no {name} in {folder} that can be run",
                    remedy="name the folder of Slurm's commands, /usr/bin say, or leave commands out",
                )

    def __repr__(self) -> str:
        return f"Commands({str(self._folder)!r})"

    @property
    def token_expires_s(self) -> int | None:
        """When the token ends, where there is one that says so."""
        return None if self._tokens is None else self._tokens.expires_s

    def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """What the command prints. Raises Unreachable when it complains, or has not ended in time."""
        command = [str(self._folder / argv[0]), *argv[1:]]
        pipe = subprocess.PIPE
        try:
            running = subprocess.Popen(  # noqa: S603 - a list of words of our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise Unreachable(f"{command[0]} cannot be run: {error}") from error
        with running:
            try:
                told, complaint = running.communicate(timeout=timeout_s)
            except BaseException as error:
                with suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise Unreachable(f"{argv[0]} was not done after {timeout_s:.0f} s") from error
                raise
        if running.returncode:
            said = " ".join(complaint.decode(errors="replace").split())[:SAID_MOST]
            raise Unreachable(f"{argv[0]} ended with {running.returncode}: {said or 'no word'}")
        return told

    def _environment(self) -> Mapping[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(THEIRS)}
        ours |= {name: os.environ[name] for name in KEPT if name in os.environ} | PLAIN
        if self._conf is not None:
            ours["SLURM_CONF"] = str(self._conf)
        if self._tokens is not None:
            ours["SLURM_JWT"] = self._tokens.token(time.time())
        return ours
