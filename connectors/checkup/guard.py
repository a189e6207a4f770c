"""Keeps one check that fails from taking the others with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from models.errors import TidegateError
from models.findings import Finding, wrong

Findings = Iterator[Finding]


def guarded(check: str, look: Callable[[], Findings]) -> Findings:
    """What a check finds; one that fails is a finding itself, and never keeps others from running."""
    try:
        yield from look()
    except TidegateError as error:
        yield wrong(check, str(error), "Mend that, and look again.")
    except Exception as error:  # a bug of ours must not hide what else there is to know
        what = f"the check itself failed: {type(error).__name__}: {error}"
        yield wrong(check, what, "This is a bug in Tidegate; please report it.")
