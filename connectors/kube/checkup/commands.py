"""Commands of kubectl, as a checkup gives them to be pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any


def kubectl(*argv: str) -> str:
    """A command, whatever characters are in its names."""
    return shlex.join(("kubectl", *argv))


def appended(kind: str, name: str, path: str, value: Mapping[str, Any], *, namespace: str = "", first: bool) -> str:
    """The command that adds a value to a list within an object; ``first`` is whether there is no list yet."""
    patch = {"op": "add", "path": path if first else f"{path}/-", "value": [value] if first else value}
    within = ("-n", namespace) if namespace else ()
    return kubectl("patch", kind, name, *within, "--type=json", "-p", json.dumps([patch], separators=(",", ":")))
