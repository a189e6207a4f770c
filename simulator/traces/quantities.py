"""Numbers as files and people write them: whole numbers, and Kubernetes quantities of CPU and memory."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from models.errors import BadInput

WHOLE_MAX = 10**15
"""Size of any whole number read: 30 million years in seconds, and below what int64 and float64 hold exactly."""

CPU_MILLI_MAX = 10**9
"""A million cores for one node or pod: more is a slip of the unit."""

MEMORY_MIB_MAX = 64 * 2**20
"""64 TiB for one node or pod: more is a slip of the unit."""

BARE_MIB_MAX = 4 * 2**20
"""A number without a suffix is MiB, up to 4 TiB; from 4 MiB on, which no container gets along with less than, it may
well be bytes."""

SECONDS_MAX = 253_402_300_799
"""The end of the year 9999: any later time is in milliseconds, of an epoch second since 1978."""

_SHOWN_CHARACTERS = 40
_HINTS = (
    (
        re.compile(r"[-+]?[0-9][0-9.'\s]*,[0-9][0-9.,'\s]*"),
        ": write it without separators, and with a point, not a comma",
    ),
    (re.compile(r"[-+]?[0-9]{1,3}(?:['.\s][0-9]{3})+(?:\.[0-9]*)?"), ": write it without separators"),
    (re.compile(r".*[0-9][-/.:][0-9].*|.*[A-Za-z]{3}.*[0-9]{4}.*"), ": if it is a date, seconds are wanted"),
)

# The grammar of k8s.io/apimachinery/pkg/api/resource.Quantity: a signed number, then a suffix or a decimal exponent.
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i))?")
_SUFFIXES = {suffix: Fraction(1000) ** power for power, suffix in enumerate("num kMGTPE", start=-3) if suffix != " "}
_SUFFIXES |= {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}


def quoted(text: str | bytes, most: int = _SHOWN_CHARACTERS) -> str:
    """A foreign text made safe for a message: quoted, escaped, cut after ``most`` characters."""
    readable = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    cut = readable if len(readable) <= most else readable[:most] + "…"
    return ascii(cut) if not cut.isprintable() else repr(cut)


def parse_whole(text: str | bytes) -> int:
    """A whole number; a finite fraction is cut toward zero. Raises ValueError that says what is wrong."""
    try:
        number = int(text)
    except ValueError:
        number = _cut(text)
    if abs(number) > WHOLE_MAX:
        raise ValueError(f"{quoted(text)} is beyond {WHOLE_MAX}")
    return number


def parse_seconds(text: str | bytes) -> int:
    """A time as :func:`parse_whole` reads it. Raises ValueError also for one that must be in milliseconds."""
    number = parse_whole(text)
    if number > SECONDS_MAX:
        raise ValueError(f"{quoted(text)} is beyond the year 9999: seconds are wanted, this may be in milliseconds")
    return number


def parse_cpu_milli(text: str) -> int:
    """Thousandths of a core: ``100m`` is 100, ``2`` is 2000, ``1e3`` a million; rounded up as Kubernetes does.

    Raises BadInput for anything else, for a negative quantity, and above ``CPU_MILLI_MAX``.
    """
    milli = math.ceil(_quantity(text, "CPU", "write cores such as 2 or 0.5, or thousandths such as 500m") * 1000)
    if milli > CPU_MILLI_MAX:
        raise BadInput(f"CPU {quoted(text)} is more than {CPU_MILLI_MAX // 1000} cores", remedy="check the unit")
    return milli


def parse_memory_mib(text: str) -> int:
    """MiB: ``512Mi`` is 512, ``1Gi`` 1024, ``2G`` 1908, ``129e6`` 124, rounded up; **a bare number is MiB**.

    (Kubernetes itself takes a number without suffix and exponent as bytes.) Raises BadInput for anything else, for a
    negative quantity, above ``MEMORY_MIB_MAX``, and for a bare number above ``BARE_MIB_MAX``.
    """
    quantity = _quantity(text, "memory", "write MiB such as 512, or with a suffix such as 512Mi, 1Gi, 2G")
    bare = set(text.strip()) <= set("+0123456789.")
    mib = math.ceil(quantity if bare else quantity / 2**20)
    if mib > (BARE_MIB_MAX if bare else MEMORY_MIB_MAX):
        most = f"{BARE_MIB_MAX // 2**20} TiB, as MiB without a suffix" if bare else f"{MEMORY_MIB_MAX // 2**20} TiB"
        remedy = "a number without a suffix is MiB; write 134217728 bytes as 128Mi" if bare else "check the unit"
        raise BadInput(f"memory {quoted(text)} is more than {most}", remedy=remedy)
    return mib


def not_a_number(text: str | bytes) -> ValueError:
    """The error for a text that is no number, with what it may be instead: a date, or a number with a comma."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    why = next((hint for looks, hint in _HINTS if looks.fullmatch(shown.strip()[:_SHOWN_CHARACTERS])), "")
    return ValueError(f"{quoted(text)} is not a number{why}")


def _cut(text: str | bytes) -> int:
    try:
        number = float(text)
    except ValueError:
        raise not_a_number(text) from None
    if not math.isfinite(number):
        raise ValueError(f"{quoted(text)} is not a finite number")
    return int(number)


def _quantity(text: str, what: str, remedy: str) -> Fraction:
    """The quantity in its base unit, exactly."""
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _SHOWN_CHARACTERS else None
    if match is None:
        raise BadInput(f"{what} {quoted(text)} is not a quantity", remedy=remedy)
    number, exponent, suffix = match.groups()
    factor = Fraction(10) ** int(exponent) if exponent else _SUFFIXES.get(suffix, Fraction(1))
    quantity = Fraction(number) * factor
    if quantity < 0:
        raise BadInput(f"{what} {quoted(text)} is negative", remedy=remedy)
    return quantity
