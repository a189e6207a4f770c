"""Files that tell a client where an API server is and who asks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.real.kube.certificates import Pair


def write(path: Path, server: str, ca: Path, user: Mapping[str, str]) -> Path:
    """A kubeconfig with one cluster and one user, in JSON, which is YAML, too."""
    name = path.stem
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": name, "user": dict(user)}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    path.chmod(0o600)
    return path


def by_certificate(pair: Pair) -> dict[str, str]:
    return {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}


def by_token_file(file: Path) -> dict[str, str]:
    return {"tokenFile": str(file)}


def by_token(token: str) -> dict[str, str]:
    return {"token": token}
