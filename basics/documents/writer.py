"""Plain data as a YAML document that the reader reads back the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def document_text(data: Mapping[str, Any]) -> str:
    """The text of a document, its keys in their order."""
    return str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=120))
