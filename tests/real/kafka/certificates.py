"""Keys and certificates to test with, made by openssl: a CA, what it signed, and a CA that nobody trusts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.real import packages

CLIENT = "tidegate-client"  # the name in the client's certificate
CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = given by the command
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")


class Pair(NamedTuple):
    """A certificate and its key, and both in one file, as Kafka wants them."""

    certificate: Path
    key: Path
    both: Path


class Certificates:
    """Everything that a server with TLS and its clients need, in one folder, good for two days.

    The server is called localhost and 127.0.0.1; by any other name, 127.0.0.2 say, it is not whom it says it is.
    """

    def __init__(self, folder: Path) -> None:
        packages.need("openssl", "openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._config = folder / "openssl.cnf"
        self._config.write_text(CONFIG, encoding="utf-8")
        self.ca = self._authority("ca")
        self.wrong_ca = self._authority("wrong-ca")
        self.server = self._signed("server", "localhost", self.ca)
        self.client = self._signed("client", CLIENT, self.ca)
        self.expired_client = self._signed("client", CLIENT, self.ca, file="expired-client", days=-1)
        self.wrong_client = self._signed("client", CLIENT, self.wrong_ca, file="wrong-client")

    def _authority(self, name: str) -> Path:
        ca = self._folder / f"{name}.pem"
        of_a_ca = ("-x509", "-extensions", "ca", "-days", "2")
        self._request(*of_a_ca, "-keyout", str(ca.with_suffix(".key")), "-out", str(ca), "-subj", f"/CN={name}")
        return ca

    def _signed(self, kind: str, name: str, ca: Path, *, file: str = "", days: int = 2) -> Pair:
        certificate = self._folder / f"{file or kind}.pem"
        key, request = certificate.with_suffix(".key"), certificate.with_suffix(".csr")
        both = certificate.with_suffix(".both.pem")
        self._request("-new", "-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}")
        by_ca = ("-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")), "-CAcreateserial", "-days", str(days))
        extensions = ("-extfile", str(self._config), "-extensions", kind)
        _openssl("x509", "-req", "-in", str(request), *by_ca, *extensions, "-out", str(certificate))
        both.write_bytes(key.read_bytes() + certificate.read_bytes())
        return Pair(certificate, key, both)

    def _request(self, *arguments: str) -> None:
        _openssl("req", "-config", str(self._config), *NEW_KEY, *arguments)


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(arguments)} failed: {done.stderr.strip()}")
