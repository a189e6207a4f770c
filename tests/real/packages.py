"""Commands that the test bed needs from the distribution."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.real import cache


class MissingError(Exception):
    """A command is not there and cannot be installed; the message says what to install."""


def say(line: str) -> None:
    """Tell on standard error what takes its time."""
    sys.stderr.write(f"test bed: {line}\n")
    sys.stderr.flush()


def need(command: str, package: str) -> None:
    """Have the command: root on a Debian installs its package, anybody else is told to."""
    if not shutil.which(command):
        install(package, f"{command} is missing")


def install(package: str, why: str) -> None:
    """Install a package of the distribution. Raises MissingError where that cannot be done from here."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise MissingError(f"{why}: install it first (Debian's package is {package})")
    say(f"{why}: installing Debian's {package}")
    with cache.locked("apt-get"):
        _apt_get("update", "-qq")
        _apt_get("install", "-qq", "--yes", "--no-install-recommends", package)


def _apt_get(*arguments: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", *arguments], env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"apt-get {' '.join(arguments)} failed: {done.stderr.strip()}")
