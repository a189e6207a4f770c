"""A policy file: text in, Policy out, or every mistake at once with its line and column."""

from __future__ import annotations

import logging
import pathlib

from basics.documents.document import Document, Form, read_document
from models.durations import duration_text
from models.policies import Policy

POLICY = Form(Policy, "policy", "policy file")
SETTLE = ("spec", "moves", "settle")

log = logging.getLogger("tidegate.policy")


def read_policy(path: str | pathlib.Path) -> Policy:
    """The policy in a file; what is written as an older release had it is logged.

    Raises BadDocument with every mistake, or BadInput when the file cannot be read.
    """
    document = read_document(path, POLICY)
    for text in old_forms(document):
        log.warning("%s", text)
    return document.value


def old_forms(document: Document[Policy]) -> list[str]:
    """A line for each value that is written as an older release had it: what it means now, and what to write."""
    place = document.places.get(SETTLE)
    if place is None or any(path[: len(SETTLE)] == SETTLE and path != SETTLE for path in document.places):
        return []
    settle = document.value.spec.moves.settle
    now = f"{{hpc: {duration_text(settle.hpc)}, kubernetes: {duration_text(settle.kubernetes)}}}"
    return [f"{document.name}:{place.line}: spec.moves.settle has a value for each side now: write {now}"]
