"""Why an API server gave no answer, in words: what happened, and what to do."""

from __future__ import annotations

import http.client
import re
import socket

from kubernetes.client.exceptions import ApiException
from urllib3 import exceptions

FAILURES = (exceptions.HTTPError, ApiException, OSError, http.client.HTTPException)
"""All that a request can end in."""

_TLS = re.compile(r"\[SSL[^]]*\]\s*(.*?)\s*(\(_ssl\.c:\d+\))?\Z", re.DOTALL)
_SAYS: tuple[tuple[str, str], ...] = (  # of OpenSSL, in the order in which they are looked for
    ("has expired", "its certificate has expired (renew it)"),
    ("mismatch", "its certificate is for another name (use one that it has, or set tls-server-name in the kubeconfig)"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate was not signed by the CA that we have (give its CA)"),
    ("WRONG_VERSION_NUMBER", "it speaks no TLS"),
    ("ALERT", "it does not take our certificate"),
)


def why(error: BaseException, waits_s: float) -> str:
    """The reason on one line, with the remedy where there is one; ``waits_s`` is how long it was waited for."""
    if isinstance(error, ApiException | exceptions.SSLError):
        return _of_tls(str(error.reason if isinstance(error, ApiException) else error))
    if isinstance(error, exceptions.NameResolutionError):
        return "its name cannot be resolved (look at the address, and at DNS on this machine)"
    if isinstance(error, exceptions.ConnectTimeoutError):
        return _of_socket(error.__cause__) or "no connection came about (a firewall, or a wrong address)"
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return f"it was silent for {waits_s:.0f} s"
    if isinstance(error, exceptions.ProxyError):
        return f"the proxy gave no way to it: {_one_line(error)}"
    if isinstance(error, exceptions.ProtocolError | http.client.HTTPException | ConnectionError):
        return f"the connection broke off ({_one_line(error)})"
    return _of_socket(error) or _one_line(error)


def _of_tls(text: str) -> str:
    for mark, words in _SAYS:
        if mark in text:
            told = _TLS.search(text)
            return f"{words}: {' '.join(told[1].split())}" if told else words
    return f"TLS failed: {' '.join(text.split())}"


def _of_socket(error: BaseException | None) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused (nothing listens there: it may be down, or the port is another)"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.strerror:
        return error.strerror
    return ""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
