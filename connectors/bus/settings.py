"""How a site reaches its bus: what does not fit into an address. Declared once, as pydantic models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from connectors.kafka_client.security import Security
from models.errors import shown
from models.fields import PATH, Contradiction, Kind, Part, field, matching

_SIZE = re.compile(r"([0-9]{1,9})(Ki|Mi|Gi)")
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_SPOOL_LEAST, _SPOOL_MOST = 2**20, 2**40
_NOT_HERE = (
    "no password belongs in this file, which others may read; put it alone into a file that only this user can read,"
    " and give that as security.passwordFile"
)


def _bytes(value: object) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} is no size; write a whole number and Ki, Mi or Gi, for example 256Mi")
    size = int(match[1]) * _UNITS[match[2]]
    if not _SPOOL_LEAST <= size <= _SPOOL_MOST:
        raise ValueError(f"must be from 1Mi to 1024Gi, not {value}")
    return size


def _written(size: int) -> str:
    unit = next(unit for unit in reversed(_UNITS) if size % _UNITS[unit] == 0)
    return f"{size // _UNITS[unit]}{unit}"


_BYTES = Kind(
    _bytes,
    {"type": "string", "pattern": f"^{_SIZE.pattern}$", "title": "bytes in Ki, Mi or Gi, 1Mi to 1024Gi"},
    _written,
)
_PREFIX = matching(r"[A-Za-z0-9._-]*", "letters, digits, dots, dashes and underscores only", longest=200)


class SecuritySettings(Part):
    """What the broker asks of those who connect. Without it, plain text."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "password": _NOT_HERE,
        "mechanism": "there is nothing to choose: passwords are always proved by SCRAM-SHA-512, over TLS",
    }

    tls: bool = field(False, "Speak TLS. It need not be said when another key here is given.")
    ca_file: Annotated[Path, PATH] | None = field(
        None, "The CA that signed the broker's certificate (PEM). Without it, those that the system trusts."
    )
    cert_file: Annotated[Path, PATH] | None = field(None, "Our own certificate (PEM), for a broker that asks for one.")
    key_file: Annotated[Path, PATH] | None = field(None, "Its private key (PEM). Without it, the key is in `certFile`.")
    username: Annotated[str, matching(r"\S(.*\S)?", "the name of a user", longest=200)] | None = field(
        None, "Who we are to the broker, by a password (SCRAM-SHA-512)."
    )
    password_file: Annotated[Path, PATH] | None = field(
        None,
        "The file that holds the password of `username` and nothing else. Only this user should be able to read it.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> SecuritySettings:
        found = []
        if self.username and not self.password_file:
            found.append((("username",), "has no password; give passwordFile as well"))
        if self.password_file and not self.username:
            found.append((("passwordFile",), "is nobody's password; give username as well"))
        if self.key_file and not self.cert_file:
            found.append((("keyFile",), "is the key of no certificate; give certFile as well"))
        given = self.model_fields_set
        if "tls" in given and not self.tls and len(given) > 1:
            found.append((("tls",), "must not be false when anything else is given here: all of it is said over TLS"))
        if found:
            raise Contradiction(*found)
        return self


class BusSettings(Part):
    """How to reach a bus."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "password": _NOT_HERE,
        **dict.fromkeys(
            ("servers", "brokers", "address", "bootstrapServers"),
            "the address is not given here, but as --bus kafka:HOST:PORT[,HOST:PORT]",
        ),
    }

    prefix: Annotated[str, _PREFIX] = field(
        "", "What the names of all topics and groups begin with, for a broker that others use, too."
    )
    spool: Annotated[Path, PATH] | None = field(
        None,
        "The file in which events wait while no broker answers, so that they outlive the process. Each process needs"
        " its own. Without it, a temporary one that ends with the process.",
    )
    spool_most: Annotated[int, _BYTES] = field(
        "256Mi", "How much may wait there; then the oldest are dropped, and their sources tell their whole state anew."
    )
    security: SecuritySettings = Field(
        default_factory=SecuritySettings, description="What the broker asks of those who connect."
    )

    def secure(self) -> Security:
        """The same as the clients take it."""
        given = self.security
        return Security(
            given.tls, given.ca_file, given.cert_file, given.key_file, given.username or "", given.password_file
        )
