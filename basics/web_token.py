"""What a JSON Web Token says of itself, unverified: whoever takes it verifies it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


def claims(token: str) -> Mapping[str, Any]:
    """What the token says of itself; nothing where it is none that does."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        told = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):  # what is no base64, no UTF-8 or no JSON
        return {}
    return told if isinstance(told, dict) else {}
