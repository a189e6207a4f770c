"""Who we are to Kubernetes, as files tell it: when the token ends, whether anybody renews it, who else can read it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from basics.web_token import claims
from connectors.checkup.format import moment, span_text
from connectors.kube.access.config import SERVICE_ACCOUNT
from connectors.kube.access.kubeconfig import chosen
from connectors.kube.checkup.commands import kubectl
from connectors.kube.settings import KubernetesSettings
from models.errors import BadInput
from models.findings import Finding, warning, well, wrong

CHECK = "kubernetes.token"
SOON_S = 3600.0  # a token that ends sooner ends while nobody looks
SIZE_MOST = 65_536
_RENEW = kubectl("create", "token", "ACCOUNT", "-n", "NAMESPACE", "--duration=24h")
_warning, _wrong = partial(warning, CHECK), partial(wrong, CHECK)


def token_findings(settings: KubernetesSettings, now_s: float, within: Path = SERVICE_ACCOUNT) -> Iterator[Finding]:
    """The files that say who we are; ``within`` is where a pod has its own."""
    files = [path for path in (settings.kubeconfig, _token_file(settings, within)) if path is not None]
    for path in files:
        if path.parent != within and _exposed(path):
            yield _warning(
                f"everybody on this machine can read {path}, and act on Kubernetes with it",
                "Let only the user that Tidegate runs as read it.",
                f"chmod o-rwx {shlex.quote(str(path))}",
            )
    token, where = _token(settings, within)
    if not token:
        return
    ends = claims(token).get("exp")
    if not isinstance(ends, int | float):
        yield well(CHECK, f"the token in {where} does not say when it ends")
        return
    renew = f"Have it renewed, by a timer say: write what this prints into {where}."
    if ends <= now_s:
        yield _wrong(f"the token in {where} ended {span_text(now_s - ends)} ago, at {moment(ends)}", renew, _RENEW)
    elif ends - now_s < SOON_S and not _kept_fresh(where):
        left = span_text(ends - now_s)
        yield _warning(f"the token in {where} ends in {left}, and nothing shows that it is renewed", renew, _RENEW)
    else:
        more = ", and kubelet renews it" if _kept_fresh(where) else ""
        yield well(CHECK, f"the token in {where} ends in {span_text(ends - now_s)}{more}")


def _token(settings: KubernetesSettings, within: Path) -> tuple[str, Path]:
    """The token and the file it is in; empty where there is none, or none that can be read."""
    path = _token_file(settings, within)
    if path is not None:
        with suppress(OSError, ValueError):
            if path.is_file():
                with path.open("rb") as file:
                    return file.read(SIZE_MOST).decode("ascii").strip(), path
    elif settings.kubeconfig is not None:
        with suppress(BadInput):
            told = chosen(settings.kubeconfig, settings.context).user.get("token")
            return (told.strip() if isinstance(told, str) else ""), settings.kubeconfig
    return "", Path()


def _token_file(settings: KubernetesSettings, within: Path) -> Path | None:
    if settings.token_file is not None:
        return settings.token_file
    if settings.kubeconfig is None:
        return within / "token"
    with suppress(BadInput):
        return chosen(settings.kubeconfig, settings.context).token_file(settings.kubeconfig.parent)
    return None


def _kept_fresh(path: Path) -> bool:
    """Whether kubelet writes the file: it turns a link called ..data to each new token."""
    with suppress(OSError):
        return (path.parent / "..data").is_symlink()
    return False


def _exposed(path: Path) -> bool:
    with suppress(OSError):
        return bool(path.stat().st_mode & 0o004)
    return False
