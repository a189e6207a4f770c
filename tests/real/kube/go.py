"""Go, of which Kubernetes is made: its command, and what it tells of modules."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache as remembered
from pathlib import Path
from typing import Any

from tests.real import packages

OLDEST = (1, 26)
HOME = Path("/usr/local/go/bin")  # where Go's own installer puts it


def run(module: Path, *arguments: str) -> str:
    """What Go says in a module's folder. Raises MissingError when it does not end well."""
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    argv = [command(), *arguments]
    done = subprocess.run(argv, cwd=module, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise packages.MissingError(f"{' '.join(argv)} failed in {module}: {done.stdout}{done.stderr[-4000:]}")
    return done.stdout


def downloaded(module: Path, *wanted: str) -> dict[str, Any]:
    """What Go tells of modules that it has fetched, each ``path@version``: its ``Dir`` and the ``Sum`` of it."""
    text, told = run(module, "mod", "download", "-json", *wanted), {}
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        one, end = decoder.raw_decode(text)
        told[f"{one['Path']}@{one['Version']}"] = one
        text = text[end:]
    return told


@remembered
def command() -> str:
    """Go's command. Raises MissingError when it is not there or too old."""
    wanted = ".".join(map(str, OLDEST))
    found = shutil.which("go") or shutil.which("go", path=HOME)
    if not found:
        raise packages.MissingError(f"go is missing: install Go {wanted} or newer from go.dev (Debian's is older)")
    told = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    version = re.match(r"go(\d+)\.(\d+)", told)
    if not version or (int(version[1]), int(version[2])) < OLDEST:
        raise packages.MissingError(
            f"Kubernetes needs Go {wanted} or newer, and {found} is {told}: install a newer one"
        )
    return found
