"""The errors a person or a caller can do something about, and how their messages show a value.

TidegateError
├── BadInput        the user's input is wrong: nothing to retry, mend the input
├── Unreachable     a scheduler did not answer: retry later, hold until then
├── Refused         a scheduler answered no: a retry does not help
│   └── NotOurs     the thing to undo does not bear our mark: leave it alone
├── BusUnavailable  the event bus gave no answer: retry later, events are kept until then
├── BusRefused      the event bus answered no: a setting or a right has to be mended
├── Unrecorded      the audit could not be written: nothing is done that cannot be recorded
├── Deposed         someone else leads: stop at once, what we hold is theirs to go on with
└── ImpossibleStep  our own bug: a state machine met a pair that its table does not have
"""

from __future__ import annotations


class TidegateError(Exception):
    """Anything that Tidegate raises on purpose. ``lines`` are its own: what others wrote is within one of them."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))

    @property
    def told(self) -> str:
        """The message for a terminal."""
        return "\n".join(map(clean, self.lines))


class BadInput(TidegateError):
    """Input that cannot be used: says what is wrong, where, and what to do."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        place = f"{where}: " if where else ""
        advice = f" ({remedy})" if remedy else ""
        super().__init__(f"{place}{what}{advice}")


class Unreachable(TidegateError):
    """A scheduler gave no answer; what it holds is unknown, which is not zero. Retry later."""


class Refused(TidegateError):
    """A scheduler answered no; asking again changes nothing."""


class NotOurs(Refused):
    """What we were asked to undo was done by someone else."""


class BusUnavailable(TidegateError):
    """The event bus gave no answer, or has no room; what was published is kept. Retry later."""


class BusRefused(TidegateError):
    """The event bus answered no (password, certificate, rights, a topic as it must not be); a retry does not help."""


class Unrecorded(TidegateError):
    """The audit could not be written; an act that cannot be recorded is not taken."""


class Deposed(TidegateError):
    """Another process leads in a later epoch; whatever this one was about to do, it must not."""


class ImpossibleStep(TidegateError):
    """A life cycle met a state and an observation that its table does not pair: a bug of ours."""


def clean(text: str) -> str:
    """The text on one line, without what could steer a terminal or turn text around: anybody can write reasons and
    names."""
    return "".join(char if char.isprintable() else "?" for char in text)


def shown(value: object) -> str:
    """A value as a message shows it: quoted, on one line, and never long."""
    if value is None:
        return "an empty value"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
