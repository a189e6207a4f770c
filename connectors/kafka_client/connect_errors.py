"""Connecting to a broker, and saying what exactly is wrong when that fails: the client alone says "Unable to
bootstrap" for most of it."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaConfigurationError, KafkaError, SaslAuthenticationFailedError

from connectors.kafka_client.security import MECHANISM, Security
from models.errors import BadInput, BusRefused, BusUnavailable, TidegateError

BOOTSTRAP_S = 5.0
TRY_S = 3.0
CONSUMING: Mapping[str, Any] = {  # the options of every consumer of ours: it commits and makes nothing by itself
    "enable_auto_commit": False,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
    "metadata_max_age_ms": 10_000,
    "reconnect_backoff_max_ms": 1000,
}

Client = TypeVar("Client")

logging.getLogger("kafka").addHandler(logging.NullHandler())  # what it has to say belongs to whoever asks for logs


def connected(make: Callable[[dict[str, Any]], Client], options: Mapping[str, Any], security: Security) -> Client:
    """What ``make`` makes of the options and those of the security.

    Raises BusUnavailable when no broker is there, and BusRefused, with the reason, when one is and will not have us.
    """
    with _errors_heard() as heard:
        try:
            return make({**options, **security.options(), "bootstrap_timeout_ms": round(BOOTSTRAP_S * 1000)})
        except KafkaConfigurationError:
            raise
        except (KafkaError, OSError) as error:
            raise _diagnosis(options["bootstrap_servers"], security, [*heard, error]) from error


def admin_client(options: Mapping[str, Any], security: Security, ask_ms: int) -> KafkaAdminClient:
    """A client that asks; ``ask_ms`` is until a question is given up. Raises as ``connected``."""
    return connected(
        lambda given: KafkaAdminClient(**given, request_timeout_ms=ask_ms, reconnect_backoff_max_ms=200),
        options,
        security,
    )


def _diagnosis(servers: list[str], security: Security, errors: list[BaseException]) -> TidegateError:
    for error in errors:
        if isinstance(error, SaslAuthenticationFailedError):
            return _password_refused(servers, security)
        if isinstance(error, AuthorizationError):
            return BusRefused(f"the broker at {', '.join(servers)} lets this user do nothing: {error}")
    problems = [problem for server in servers if (problem := _try(server, security)) is not None]
    refused = [problem for problem in problems if isinstance(problem, BusRefused)]
    if refused or problems:
        return (refused or problems)[0]
    if security.username:  # a broker that hangs up right after its answer: the client often misses that answer
        return _password_refused(servers, security)
    return BusUnavailable(
        f"a broker listens at {', '.join(servers)}, but does not answer as one ({errors[-1]});"
        " check that the address is that of a Kafka listener of the right kind (plain text, TLS, SASL)"
    )


def _password_refused(servers: list[str], security: Security) -> BusRefused:
    return BusRefused(
        f"the broker at {', '.join(servers)} does not accept user {security.username} with the password in"
        f" {security.password_file} (check both; the broker must know the user for {MECHANISM})"
    )


def _try(server: str, security: Security) -> TidegateError | None:
    """What is wrong on the way to one server; None when its connection can be made."""
    host, port = split_address(server)
    try:
        with socket.create_connection((host, port), timeout=TRY_S) as plain:
            if security.encrypted:
                return _try_tls(plain, server, host, security)
    except OSError as error:
        return BusUnavailable(
            f"no broker answers at {server}: {error.strerror or error} (check the address, and that it runs)"
        )
    return None


def _try_tls(plain: socket.socket, server: str, host: str, security: Security) -> TidegateError | None:
    try:
        with security.context().wrap_socket(plain, server_hostname=host) as encrypted:
            encrypted.settimeout(TRY_S)
            encrypted.sendall(b"\0\0\0\0")  # with TLS 1.3 a broker says only now what it thinks of our certificate
            encrypted.recv(1)
    except ssl.SSLCertVerificationError as error:
        if "ostname mismatch" in error.verify_message or "IP address mismatch" in error.verify_message:
            return BusRefused(
                f"the certificate of the broker at {server} is not for {host}: {error.verify_message}"
                " (connect by a name that is in it)"
            )
        return BusRefused(
            f"the certificate of the broker at {server} is not signed by the CA in {security.ca_file or 'the system'}:"
            f" {error.verify_message} (give the CA that signed it)"
        )
    except ssl.SSLError as error:
        if "CERTIFICATE" in str(error.reason) or "certificate" in str(error):
            return BusRefused(
                f"the broker at {server} does not accept our certificate ({security.cert_file or 'none is set'}):"
                f" {error.reason} (it must be signed by a CA that the broker trusts, and still be valid)"
            )
        return BusRefused(
            f"the broker at {server} does not speak TLS with us: {error.reason or error} (is this its TLS listener?)"
        )
    except OSError:
        return None  # it hung up: what we sent was no request
    return None


def split_address(server: str) -> tuple[str, int]:
    """Host and port. Raises BadInput when it is not ``host:port``."""
    host, _, port = server.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise BadInput(f"{server!r} is no address of a broker", remedy="write host:port, for example localhost:9092")
    return host.strip("[]"), int(port)


class _Ear(logging.Handler):
    """Keeps the errors that the client logs and does not raise."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        args = record.args if isinstance(record.args, tuple) else ()
        self.errors.extend(arg for arg in args if isinstance(arg, BaseException))


@contextmanager
def _errors_heard() -> Iterator[list[BaseException]]:
    ear, logger = _Ear(), logging.getLogger("kafka")
    logger.addHandler(ear)
    try:
        yield ear.errors
    finally:
        logger.removeHandler(ear)
