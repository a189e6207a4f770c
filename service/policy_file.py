"""A policy file: text in, Policy out, or every mistake at once with its line and column."""

from __future__ import annotations

import pathlib

from basics.documents.document import Form, read_document
from models.policies import Policy

POLICY = Form(Policy, "policy", "policy file")


def read_policy(path: str | pathlib.Path) -> Policy:
    """The policy in a file. Raises BadDocument with every mistake, or BadInput when the file cannot be read."""
    return read_document(path, POLICY).value
