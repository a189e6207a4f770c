"""The OpenAPI document of the service, as the service itself answers it."""

from __future__ import annotations

import json

from service.page.openapi import document


def openapi_text() -> str:
    """The document as JSON."""
    return f"{json.dumps(document(), indent=2)}\n"
