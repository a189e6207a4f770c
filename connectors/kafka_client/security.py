"""How a broker is reached securely: TLS, and who we are there; secrets are read from files and shown nowhere."""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import BusRefused

MECHANISM = "SCRAM-SHA-512"


class Secret(str):
    """A text that shows itself as ``***`` wherever values are shown as such, in the client's own logs above all."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True)
class Security:
    """What a site asks of those who connect. Nothing at all: a broker in plain text, for a laptop.

    ``ca_file`` verifies the broker, whose name must be in its certificate; None trusts what the system trusts.
    ``cert_file`` and ``key_file`` are our own certificate (mTLS). ``username`` with ``password_file`` is SASL with
    SCRAM-SHA-512, which is only ever spoken over TLS.
    """

    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str = ""
    password_file: Path | None = None

    def __post_init__(self) -> None:
        for given, needed, what in (
            (self.password_file, self.username, "a password file needs a username"),
            (self.username, self.password_file, "a username needs a password file"),
            (self.key_file, self.cert_file, "a key file needs a certificate file"),
        ):
            if given and not needed:
                raise BusRefused(f"{what}: nothing is sent in plain text because half of a setting is missing")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken: as soon as anything is set that makes no sense without."""
        return bool(self.tls or self.ca_file or self.cert_file or self.username)

    def options(self) -> dict[str, Any]:
        """The options of a client, secrets read anew. Raises BusRefused when a file cannot be used."""
        if not self.encrypted:
            return {"security_protocol": "PLAINTEXT"}
        options: dict[str, Any] = {
            "security_protocol": "SASL_SSL" if self.username else "SSL",
            "ssl_context": self.context(),
            "ssl_check_hostname": True,
        }
        if self.username:
            options["sasl_mechanism"] = MECHANISM
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self._password()
        return options

    def exposed(self) -> list[Path]:
        """The files with secrets of ours that everybody on this machine can read."""
        secrets = (self.password_file, self.key_file or self.cert_file)
        return [path for path in secrets if path is not None and _mode(path) & stat.S_IROTH]

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer that verifies the broker and its name. Raises BusRefused when a file cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise BusRefused(f"the CA file {self.ca_file} cannot be used: {_said(error)}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file, password=_nobody)
            except (OSError, ssl.SSLError) as error:
                key = f" with the key {self.key_file}" if self.key_file else ""
                raise BusRefused(f"the certificate {self.cert_file}{key} cannot be used: {_said(error)}") from error
        return context

    def _password(self) -> Secret:
        if self.password_file is None:
            raise BusRefused(f"user {self.username} has no password file")
        try:
            return Secret(self.password_file.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise BusRefused(f"the password file {self.password_file} cannot be read: {_said(error)}") from error


def _nobody() -> str:
    """Asked for the pass phrase of a key; without this, OpenSSL waits at the terminal for somebody to type it."""
    raise OSError("the key is encrypted; give one without a pass phrase")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0  # whoever reads it is told


def _said(error: Exception) -> str:
    """What the system said, without the path, which the message names already."""
    return getattr(error, "strerror", None) or str(error)
