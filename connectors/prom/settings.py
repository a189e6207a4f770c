"""How a site reaches its Prometheus. Declared once, as a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_IROTH
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import model_validator

from models.fields import PATH, Contradiction, Part, field, matching

_URL = matching(
    r"https?://[A-Za-z0-9._:\[\]-]+(/[!$-~]*)?", "an address such as https://prometheus.example.org:9090", longest=2048
)


class PrometheusSettings(Part):
    """How to reach Prometheus, or whatever answers as it does."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "token": "no token belongs in this file, which others may read; put it into a file and give that as tokenFile",
        "password": "passwords are not supported; put a token into a file and give that as tokenFile",
    }

    url: Annotated[str, _URL] = field(
        ..., "The address of Prometheus, with the path that it is served under: what comes before /api/v1."
    )
    token_file: Annotated[Path, PATH] | None = field(
        None, "The file that holds the bearer token and nothing else. It is read again for each question."
    )
    ca_file: Annotated[Path, PATH] | None = field(
        None, "The CA that signed its certificate (PEM). Without it, those that the system trusts."
    )

    @model_validator(mode="after")
    def _has_tls_for_its_ca(self) -> PrometheusSettings:
        if self.ca_file is not None and not self.url.startswith("https://"):
            raise Contradiction((("caFile",), "is for https only, and the url is http; leave it out"))
        return self

    def in_the_clear(self) -> bool:
        """Whether others on the way could read the token."""
        host = urlsplit(self.url).hostname or ""
        is_ours = host == "localhost" or host.startswith("127.") or host == "::1"
        return self.token_file is not None and self.url.startswith("http://") and not is_ours

    def exposed(self) -> list[Path]:
        """The file of the token, where everybody on this machine can read it."""
        path = self.token_file
        with suppress(OSError):
            return [path] if path is not None and path.stat().st_mode & S_IROTH else []
        return []
