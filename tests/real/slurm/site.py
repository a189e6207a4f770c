"""The Slurm that this machine belongs to, commanded as a cluster of the test bed is; it is never started or stopped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.real.slurm.cluster import COMMAND_S, Cluster, CommandError


class Site(Cluster):
    """Whoever runs the tests must be root, or a Slurm administrator who may drain nodes, reserve them and end jobs."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder

    def run(self, *argv: str, user: str = "", timeout_s: int = COMMAND_S) -> str:
        """What a command says; always as who runs the tests."""
        environment = os.environ | {"LC_ALL": "C.UTF-8"}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=timeout_s)
        if done.returncode:
            raise CommandError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}".strip())
        return done.stdout

    def log_tail(self, lines: int = 0) -> str:
        """Its logs are the site's."""
        return ""
