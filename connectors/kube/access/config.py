"""Where the API server is and who we are to it, from a site's settings."""

from __future__ import annotations

import ipaddress
import logging
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader

from connectors.kube.access import kubeconfig
from connectors.kube.access.token import TokenFile
from connectors.kube.settings import KubernetesSettings
from models.errors import BadInput, Unreachable

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CONNECTIONS = 64  # that are kept: each resource that is watched holds one
WITHIN = "the service account of this pod"

log = logging.getLogger("tidegate.kubernetes")


class Access:
    """One way to the API server. ``configuration`` has no hidden retries; who we are is asked for each request."""

    def __init__(self, configuration: Configuration, tokens: TokenFile | None, where: str) -> None:
        configuration.retries = False  # None is three, and Retry-After without a limit
        configuration.keep_alive = True
        configuration.connection_pool_maxsize = CONNECTIONS
        self.configuration = configuration
        self.host: str = configuration.host
        self.where = where
        self._tokens = tokens
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Access({self.host!r})"

    def authorization(self) -> str | None:
        """The header that tells who we are; None where a certificate does.

        A plug-in may be run for it. Raises Unreachable when that fails.
        """
        if self._tokens is not None:
            return f"Bearer {self._tokens.token()}"
        try:
            with self._lock:  # a plug-in is run once, not by each thread
                told = self.configuration.auth_settings().get("BearerToken")
        except (ConfigException, OSError, LookupError, TypeError, ValueError) as error:  # its text may show a token
            raise Unreachable(f"{self.where} gives no credentials any more: {type(error).__name__}") from None
        header = str(told["value"]).strip() if told else None
        if header is not None and not kubeconfig.HEADER.fullmatch(header):  # HTTP's own error would show it
            raise Unreachable(f"{self.where} {kubeconfig.NO_HEADER}")
        return header


def open_access(
    settings: KubernetesSettings, *, monotonic: Callable[[], float], service_account: Path = SERVICE_ACCOUNT
) -> Access:
    """All of it read anew: files, and plug-ins run. Raises BadInput, with what to do."""
    if settings.kubeconfig is not None:
        access = _by_kubeconfig(settings.kubeconfig, settings.context, monotonic)
    elif settings.server is not None and settings.token_file is not None:
        access = _by_address(settings.server, settings.ca_file, settings.token_file, monotonic)
    else:
        access = _in_cluster(service_account, monotonic)
    _check(access)
    return access


def _by_kubeconfig(path: Path, context: str | None, monotonic: Callable[[], float]) -> Access:
    where = f"spec.kubernetes.kubeconfig {path}"
    configuration = kubeconfig.load(path, context)
    file = kubeconfig.chosen(path, context).token_file(path.parent)  # the package reads it once and never again
    tokens = None if file is None else TokenFile(file, where=f"{where}: tokenFile", monotonic=monotonic)
    return Access(configuration, tokens, where)


def _by_address(server: str, ca_file: Path | None, token_file: Path, monotonic: Callable[[], float]) -> Access:
    configuration = Configuration(host=server.rstrip("/"))
    configuration.ssl_ca_cert = None if ca_file is None else str(ca_file)
    tokens = TokenFile(token_file, where="spec.kubernetes.tokenFile", monotonic=monotonic)
    return Access(configuration, tokens, "spec.kubernetes")


def _in_cluster(folder: Path, monotonic: Callable[[], float]) -> Access:
    configuration = Configuration()
    token = folder / "token"
    try:
        InClusterConfigLoader(str(token), str(folder / "ca.crt"), try_refresh_token=False).load_and_set(configuration)
    except (ConfigException, OSError) as error:
        why = f"nothing says where Kubernetes is, and we are in no pod of a cluster: {error}"
        remedy = "name a kubeconfig, or server, caFile and tokenFile"
        raise BadInput(why, where="spec.kubernetes", remedy=remedy) from error
    return Access(configuration, TokenFile(token, where=WITHIN, monotonic=monotonic), WITHIN)


def _check(access: Access) -> None:
    """Raises BadInput for plain HTTP but to this machine, and for certificates that cannot be loaded."""
    configuration = access.configuration
    try:
        address = urlsplit(access.host)
        host, _ = address.hostname or "", address.port
    except ValueError:  # a port out of range, a bracket that is left open
        host = ""
    if not host or address.scheme not in ("http", "https"):
        raise BadInput(f"{access.host!r} is no address of an API server", where=access.where)
    if address.scheme == "http":
        if not _is_here(host):
            why = f"{access.host} has no TLS: whoever is in between reads our token"
            raise BadInput(why, where=access.where, remedy="write https://")
        return
    if not configuration.verify_ssl:
        log.warning("%s: the certificate of %s is not looked at (insecure-skip-tls-verify)", access.where, access.host)
    elif configuration.ssl_ca_cert:
        _load(configuration.ssl_ca_cert, "the CA", access, lambda tls, file: tls.load_verify_locations(file))
    if configuration.cert_file:
        key = configuration.key_file
        _load(configuration.cert_file, "our certificate", access, lambda tls, file: tls.load_cert_chain(file, key))


def _load(file: str, what: str, access: Access, load: Callable[[ssl.SSLContext, str], None]) -> None:
    try:
        load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), file)
    except OSError as error:  # TLS's own errors are among them, and say where in C they come from
        why = "holds none that can be used" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        raise BadInput(f"{what} in {file} {why}", where=access.where, remedy="give it in PEM") from error


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
