"""What a kubeconfig says, looked over before it is used: the package's own errors may show a token."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import load_kube_config

from models.errors import BadInput, shown

SIZE_MOST = 4 * 2**20  # bytes
HEADER = re.compile(r"[ -~]+")  # what tells a server who we are, once blanks around it are gone
NO_HEADER = "gives a token with a line break in it, or with characters that no token has"
_MISSING_FILE = re.compile(r"File does not exist: .*")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The context that is used: its cluster and user, as they stand in the file."""

    cluster: Mapping[str, Any]
    user: Mapping[str, Any]

    def token_file(self, folder: Path) -> Path | None:
        """The file of the token, where there is one and nothing goes before it."""
        told = self.user.get("tokenFile")
        return folder / told if isinstance(told, str) and told and "auth-provider" not in self.user else None


def chosen(path: Path, context: str | None) -> Chosen:
    """The context of the file. Raises BadInput when there is no such file, context, cluster or user."""
    document = _document(path)
    name = context if context is not None else document.get("current-context")
    if not name:
        raise _bad(path, "names no current-context", "name one as spec.kubernetes.context")
    found = _named(document, "contexts", name)
    if not isinstance(found, Mapping) or not isinstance(found.get("context"), Mapping):
        names = ", ".join(shown(one.get("name")) for one in _list(document, "contexts")) or "none"
        raise _bad(path, f"has no context {shown(name)}; it has {names}", "name one of them as spec.kubernetes.context")
    cluster = _part(path, document, "cluster", found["context"].get("cluster"))
    if not isinstance(cluster.get("server"), str) or not cluster["server"]:
        raise _bad(path, f"names no server in the cluster of context {shown(name)}", "")
    user = found["context"].get("user")
    return Chosen(cluster, _part(path, document, "user", user) if user else {})


def load(path: Path, context: str | None) -> Configuration:
    """The package's configuration. What it runs to get credentials, a plug-in, it runs now. Raises BadInput."""
    picked = chosen(path, context)
    configuration = Configuration()
    try:
        load_kube_config(str(path), context, configuration, persist_config=False)
    except ConfigException as error:
        what = str(error) if _MISSING_FILE.fullmatch(str(error)) else "is no kubeconfig that can be used"
        raise _bad(path, what, "see kubectl config view") from None  # the package's error may show a token
    except OSError as error:
        raise _bad(path, f"needs a file that cannot be read: {error.filename}: {error.strerror}", "") from None
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError):
        raise _bad(path, "is no kubeconfig that can be used", "see kubectl config view") from None
    if "exec" in picked.user and not configuration.api_key and not configuration.cert_file:
        command = picked.user["exec"].get("command") if isinstance(picked.user["exec"], Mapping) else None
        raise _bad(path, f"names {shown(command)} to get credentials, and it gave none", "run it by hand")
    if not all(HEADER.fullmatch(str(key).strip()) for key in configuration.api_key.values()):
        raise _bad(path, NO_HEADER, "write it anew, on one line")
    return configuration


def _document(path: Path) -> Mapping[str, Any]:
    if ":" in str(path):  # for the package these are two paths
        raise _bad(path, "has a colon in its path", "name it otherwise")
    try:
        with path.open("rb") as file:
            text = file.read(SIZE_MOST + 1)
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}", "") from error
    try:
        told = yaml.safe_load(text) if len(text) <= SIZE_MOST else None
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        raise _bad(path, f"is no YAML{line}", "") from None  # its error shows the line
    if not isinstance(told, Mapping) or not told.get("clusters"):
        raise _bad(path, "is no kubeconfig: it has no clusters", "")
    return told


def _list(document: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    told = document.get(what)
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def _named(document: Mapping[str, Any], what: str, name: object) -> Mapping[str, Any] | None:
    return next((one for one in _list(document, what) if one.get("name") == name), None)


def _part(path: Path, document: Mapping[str, Any], what: str, name: object) -> Mapping[str, Any]:
    found = _named(document, f"{what}s", name)
    part = {} if found is None else found.get(what)
    if found is None or not isinstance(part, Mapping):
        raise _bad(path, f"has no {what} {shown(name)}, which its context names", "")
    return part


def _bad(path: Path, what: str, remedy: str) -> BadInput:
    return BadInput(what, where=f"spec.kubernetes.kubeconfig {path}", remedy=remedy)
