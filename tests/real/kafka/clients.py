"""How the bare client is told to connect to a broker of the test bed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.real.kafka.broker import MTLS, PASSWORD, SECURE, USER, Broker
from tests.real.kafka.certificates import Certificates, Pair

SOON = {"bootstrap_timeout_ms": 2000}  # of a client that is to be refused


def plain(broker: Broker) -> dict[str, Any]:
    return {"bootstrap_servers": broker.address()}


def with_password(broker: Broker, ca: Path, *, user: str = USER, password: str = PASSWORD) -> dict[str, Any]:
    """SASL_SSL with SCRAM-SHA-512."""
    return {
        "bootstrap_servers": broker.address(SECURE),
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(ca),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


def with_certificate(broker: Broker, certificates: Certificates, pair: Pair | None) -> dict[str, Any]:
    """TLS with a client certificate, or without one, which is refused."""
    own = {"ssl_certfile": str(pair.certificate), "ssl_keyfile": str(pair.key)} if pair else {}
    return {
        "bootstrap_servers": broker.address(MTLS),
        "security_protocol": "SSL",
        "ssl_cafile": str(certificates.ca),
        **own,
    }
