"""The keys and certificates of a control plane, made by openssl, and tokens that its own key signs."""

from __future__ import annotations

import json
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.real import packages

ISSUER = "https://kubernetes.default.svc"
LEEWAY_S = 60  # how long after its end the API server still takes a token
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
subjectAltName = DNS:localhost, DNS:kubernetes, DNS:kubernetes.default.svc, IP:127.0.0.1, IP:10.96.0.1
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
    """A certificate and its key."""

    certificate: Path
    key: Path


class Certificates:
    """All that a control plane needs, in one folder, good for two days.

    ``server`` is anybody's on 127.0.0.1, the API server's and a proxy's. ``admin`` is a client in the group
    system:masters. ``tokens_key`` signs the tokens of service accounts, and ``tokens_public`` proves it.
    """

    def __init__(self, folder: Path) -> None:
        packages.need("openssl", "openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._config = folder / "openssl.cnf"
        self._config.write_text(CONFIG, encoding="utf-8")
        self.ca = folder / "ca.pem"
        of_a_ca = ("-x509", "-extensions", "ca", "-days", "2")
        self._request(*of_a_ca, "-keyout", str(self.ca.with_suffix(".key")), "-out", str(self.ca), "-subj", "/CN=ca")
        self.server = self.signed("server", "server", "/CN=kube-apiserver")
        self.admin = self.signed("client", "admin", "/O=system:masters/CN=admin")
        self.tokens_key, self.tokens_public = folder / "tokens.key", folder / "tokens.pub"
        _openssl("genrsa", "-out", str(self.tokens_key), "2048")
        _openssl("rsa", "-in", str(self.tokens_key), "-pubout", "-out", str(self.tokens_public))

    def signed(self, kind: str, file: str, subject: str) -> Pair:
        """A new certificate, of a ``server`` or of a ``client``, for a subject like ``/O=group/CN=user``."""
        certificate = self._folder / f"{file}.pem"
        key, request = certificate.with_suffix(".key"), certificate.with_suffix(".csr")
        self._request("-new", "-keyout", str(key), "-out", str(request), "-subj", subject)
        by_ca = ("-CA", str(self.ca), "-CAkey", str(self.ca.with_suffix(".key")), "-CAcreateserial", "-days", "2")
        extensions = ("-extfile", str(self._config), "-extensions", kind)
        _openssl("x509", "-req", "-in", str(request), *by_ca, *extensions, "-out", str(certificate))
        return Pair(certificate, key)

    def token(self, namespace: str, name: str, uid: str, lives_s: float) -> str:
        """A service account's token that the API server takes for so long, however short that is.

        What it has just taken it may take for 10 s more, as it remembers that.
        """
        now = int(time.time())
        account = {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}}
        claims = {
            "iss": ISSUER,
            "aud": [ISSUER],
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "iat": now - 2 * LEEWAY_S,
            "nbf": now - 2 * LEEWAY_S,
            "exp": int(now + lives_s - LEEWAY_S),
            "kubernetes.io": account,
        }
        signed = b".".join([_base64({"alg": "RS256", "typ": "JWT"}), _base64(claims)])
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.tokens_key)]
        signature = subprocess.run(command, input=signed, capture_output=True, check=True).stdout
        return b".".join([signed, urlsafe_b64encode(signature).rstrip(b"=")]).decode()

    def _request(self, *arguments: str) -> None:
        _openssl("req", "-config", str(self._config), *NEW_KEY, *arguments)


def _base64(value: Mapping[str, object]) -> bytes:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(arguments)} failed: {done.stderr.strip()}")
