"""How a site reaches its Kubernetes. Declared once, as a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_IROTH
from typing import Annotated, ClassVar

from pydantic import model_validator

from models.fields import PATH, Contradiction, Part, field, matching

_SERVER = matching(
    r"https?://[A-Za-z0-9._:\[\]-]+(/[!$-~]*)?", "an address such as https://kubernetes.example.org:6443", longest=2048
)
_CONTEXT = matching(r"[!-~]([ -~]*[!-~])?", "the name of a context of the kubeconfig", longest=500)


class KubernetesSettings(Part):
    """How to reach the API server: by a kubeconfig, by its address and a token, or from a pod within the cluster."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "twin": "the stand-in of release 0.1.0 has gone; name a kubeconfig, or leave spec.kubernetes out to observe the"
        " HPC side alone",
        "token": "no token belongs in this file, which others may read; put it into a file and give that as tokenFile",
    }

    kubeconfig: Annotated[Path, PATH] | None = field(
        None, "A kubeconfig. Its certificates and tokens are read again when the server does not accept them any more."
    )
    context: Annotated[str, _CONTEXT] | None = field(
        None, "Which context of the kubeconfig. Without it, its current-context."
    )
    server: Annotated[str, _SERVER] | None = field(
        None,
        "The address of the API server, instead of a kubeconfig; with caFile and tokenFile. Without any of them we are"
        " in a pod of the cluster, and its service account is who we are.",
    )
    ca_file: Annotated[Path, PATH] | None = field(None, "With server: the CA that signed its certificate (PEM).")
    token_file: Annotated[Path, PATH] | None = field(
        None, "With server: the file that holds the token and nothing else. It is read again every minute."
    )

    @model_validator(mode="after")
    def _whole(self) -> KubernetesSettings:
        found: list[tuple[tuple[str, ...], str]] = []
        by_address = {"server": self.server, "caFile": self.ca_file, "tokenFile": self.token_file}
        if self.kubeconfig is not None:
            given = [name for name, value in by_address.items() if value is not None]
            found = [((name,), "is only for a site without kubeconfig; leave one of the two out") for name in given]
        elif any(value is not None for value in by_address.values()):
            lacks = [name for name, value in by_address.items() if value is None and not self._plain(name)]
            found = [((), f"lacks {name}: server, caFile and tokenFile go together") for name in lacks]
        if self.context is not None and self.kubeconfig is None:
            found.append((("context",), "is one of a kubeconfig, and none is named"))
        if found:
            raise Contradiction(*found)
        return self

    def _plain(self, name: str) -> bool:
        """Whether it is a CA that is not needed, as there is no TLS."""
        return name == "caFile" and self.server is not None and self.server.startswith("http://")

    def exposed(self) -> list[Path]:
        """The files that hold who we are and that everybody on this machine can read."""
        found = []
        for path in (self.kubeconfig, self.token_file):
            with suppress(OSError):
                if path is not None and path.stat().st_mode & S_IROTH:
                    found.append(path)
        return found
