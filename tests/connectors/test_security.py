"""Certificates and keys of a bus: each that cannot be used is named, and nobody is asked for anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.kafka_client.security import Security
from models.errors import BusRefused

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUP0LwWKoedQn8fy0OwCVsvrBGJqswCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAgFw0yNjExMzAwOTA0NDdaGA8yMTI2MTEwNjA5MDQ0N1ow
DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIAp62RdHCdU
8P3/Ha1JCamYSLG+GHRjHWqlZxreo9aUQ8P14szjceF4dW57jW5/aUZOflyDmQlS
+/a1HWJE7VSjUzBRMB0GA1UdDgQWBBR8XKwPxM6+j7oyyZH4rm4ab2DI2zAfBgNV
HSMEGDAWgBR8XKwPxM6+j7oyyZH4rm4ab2DI2zAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIQD1cq0xGe1f36hMKm6iFwBRTPJARMaTAlyXByxClPPF
ZQIgOCxpJh8J7arn3ZAkmSwuUrR7MGWKwS8eVFbhd2DScsI=
-----END CERTIFICATE-----
"""
ENCRYPTED = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAjrO+51sncv2QICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQI+DZlI2lPgFIEgZB88sKh/am94h6Y
ADjchichqBey8GdKjKJtjUUC9T/QHGzCNjCAHr7BUuMBiH1+LUv75tXSnQwg2SAo
GFki/UpmbujeIybKppaJanGCjsUb5B0pcwSL/ggEKbm1mPcaThu77J1UdbwXbuHg
gIUki3t6ihh/lNfXEgblLNgWQvfIbHeusJ8wj0yMDdXJcmVg0hI=
-----END ENCRYPTED PRIVATE KEY-----
"""  # by a pass phrase that nobody needs


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda one: one.unlink(), "No such file or directory"),
        (lambda one: one.write_text("no PEM"), "PEM"),
        (lambda one: one.write_text(""), "PEM"),
        (lambda one: one.write_text(ENCRYPTED), "the key is encrypted; give one without a pass phrase"),
    ],
    ids=["missing", "no PEM", "empty", "encrypted"],
)
def test_a_key_that_cannot_be_used_is_named_and_no_pass_phrase_is_waited_for(
    tmp_path: Path, make: Callable[[Path], object], said: str
):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_text(CERTIFICATE)
    key.touch()
    make(key)
    with pytest.raises(BusRefused) as caught:
        Security(cert_file=certificate, key_file=key).context()
    assert str(caught.value).startswith(f"the certificate {certificate} with the key {key} cannot be used: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "no PEM"], ids=["missing", "empty", "no PEM"])
def test_a_ca_that_cannot_be_used_is_named(tmp_path: Path, text: str | None):
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(BusRefused, match=f"the CA file {tmp_path / 'ca.pem'} cannot be used: "):
        Security(ca_file=tmp_path / "ca.pem").context()
