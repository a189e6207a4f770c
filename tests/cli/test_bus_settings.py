"""Settings of a bus: what is taken, every mistake with its line, column and advice, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from basics.documents.document import BadDocument
from connectors.bus.settings import BusSettings
from connectors.kafka_client.security import Security
from models.errors import BadInput
from service.bus_settings_file import read_bus_settings

EXAMPLE = Path(__file__).parents[2] / "examples" / "bus-settings.yaml"
SECRET = "hunter2-and-more"  # noqa: S105 - it is nobody's
NOT_HERE = (
    "no password belongs in this file, which others may read; put it alone into a file that only this user can read,"
    " and give that as security.passwordFile"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.yaml"


def read(path: Path, text: str) -> BusSettings:
    path.write_text(text, encoding="utf-8")
    return read_bus_settings(path)


def problems(path: Path, text: str) -> list[str]:
    with pytest.raises(BadDocument) as refused:
        read(path, text)
    return [line.removeprefix(f"{path}:") for line in str(refused.value).splitlines()]


def test_the_example_is_taken_as_it_stands():
    settings = read_bus_settings(EXAMPLE)
    assert (settings.prefix, settings.spool_most) == ("campus.", 256 * 2**20)
    assert settings.spool == Path("/var/lib/tidegate/spool.sqlite")
    folder = Path("/etc/tidegate")
    assert settings.secure() == Security(
        ca_file=folder / "kafka-ca.pem", username="tidegate", password_file=folder / "kafka-password"
    )


def test_what_the_example_shows_in_a_comment_is_taken_too(path: Path):
    text = EXAMPLE.read_text(encoding="utf-8").replace("# certFile", "certFile").replace("# keyFile", "keyFile")
    assert read(path, text).secure().cert_file == Path("/etc/tidegate/client.pem")


def test_paths_are_taken_from_the_folder_of_the_file(path: Path):
    text = "spool: spool.db\nsecurity: {caFile: ca.pem, certFile: ../c.pem, keyFile: /k.pem}"
    settings = read(path, text)
    assert settings.spool == path.parent / "spool.db"
    security = settings.secure()
    assert (security.ca_file, security.cert_file) == (path.parent / "ca.pem", path.parent / "../c.pem")
    assert security.key_file == Path("/k.pem")


@pytest.mark.parametrize(
    ("text", "security"),
    [
        ("{}", Security()),
        ("security: {}", Security()),
        ("security: {tls: false}", Security()),
        ("security: {tls: true}", Security(tls=True)),
        ("prefix: ''\nspoolMost: 3Gi", Security()),
    ],
)
def test_what_is_left_out_has_its_default(path: Path, text: str, security: Security):
    assert read(path, text).secure() == security


BAD = [
    ("a password", f"security:\n  password: {SECRET}", f"2:3: security.password: {NOT_HERE}"),
    ("a password above", f"password: {SECRET}", f"1:1: password: {NOT_HERE}"),
    (
        "an address",
        "servers: [a:9092]",
        "1:1: servers: the address is not given here, but as --bus kafka:HOST:PORT[,HOST:PORT]",
    ),
    ("a typing error", "security: {usrname: ada}", "1:12: security.usrname: unknown key; did you mean username?"),
    ("an underscore", "spool_most: 1Gi", "1:1: spool_most: unknown key; did you mean spoolMost?"),
    ("a key that belongs elsewhere", "caFile: /ca.pem", "1:1: caFile: unknown key here; it belongs in security"),
    (
        "another key",
        "colour: blue",
        "1:1: colour: unknown key; the keys here are prefix, spool, spoolMost, security",
    ),
    (
        "a mechanism",
        "security: {mechanism: PLAIN}",
        "1:12: security.mechanism: there is nothing to choose: passwords are always proved by SCRAM-SHA-512, over TLS",
    ),
    (
        "a size without a unit",
        "spoolMost: 256",
        "1:12: spoolMost: 256 is no size; write a whole number and Ki, Mi or Gi, for example 256Mi",
    ),
    ("a size that is too small", "spoolMost: 1Ki", "1:12: spoolMost: must be from 1Mi to 1024Gi, not 1Ki"),
    ("a size that is too large", "spoolMost: 9999Gi", "1:12: spoolMost: must be from 1Mi to 1024Gi, not 9999Gi"),
    ("a path that is none", "spool: 5", "1:8: spool: must be the path of a file, not 5"),
    ("a home folder", "spool: ~/s", "1:8: spool: '~/s' is taken as it stands; write the path out instead of ~"),
    (
        "a prefix with a slash",
        "prefix: a/b",
        "1:9: prefix: 'a/b' is not letters, digits, dots, dashes and underscores only",
    ),
    ("a truth that is none", "security: {tls: yes}", "1:17: security.tls: must be true or false, not 'yes'"),
    (
        "a user that is a number",
        "security: {username: 17}",
        "1:22: security.username: must be text, not 17; put it in quotes",
    ),
    (
        "a user without a password",
        "security: {username: ada}",
        "1:22: security.username: has no password; give passwordFile as well",
    ),
    (
        "a password of nobody",
        "security: {passwordFile: p}",
        "1:26: security.passwordFile: is nobody's password; give username as well",
    ),
    (
        "a key of no certificate",
        "security: {keyFile: k}",
        "1:21: security.keyFile: is the key of no certificate; give certFile as well",
    ),
    (
        "TLS given up",
        "security: {tls: false, caFile: c}",
        "1:17: security.tls: must not be false when anything else is given here: all of it is said over TLS",
    ),
    ("security that is a word", "security: tls", "1:11: security: must be a mapping of keys to values, not 'tls'"),
    ("nothing", "", "1:1: the document is empty; write a set of bus settings into it"),
    ("no mapping", "- prefix", "1:1: must be a mapping of keys to values, not a list"),
]


@pytest.mark.parametrize(("text", "line"), [pytest.param(text, line, id=name) for name, text, line in BAD])
def test_a_mistake_is_told_with_its_place_and_what_to_do(path: Path, text: str, line: str):
    assert problems(path, text) == [line]


def test_every_mistake_is_told_at_once_and_no_secret_with_it(path: Path):
    text = f"prefix: a/b\nspol: x\nsecurity:\n  password: {SECRET}\n  tls: maybe\n  username: ada\n"
    found = problems(path, text)
    assert [line.split(": ")[1] for line in found] == [
        "prefix", "spol", "security.password", "security.tls", "security.username",
    ]  # fmt: skip
    assert SECRET not in "".join(found)


@pytest.mark.parametrize("text", [f"security: {{password: {SECRET}", f"password: '{SECRET}", f"- &a {SECRET}"])
def test_no_secret_is_shown_of_a_text_that_cannot_be_read(path: Path, text: str):
    assert SECRET not in "".join(problems(path, text))


def test_a_file_that_is_not_there_is_told(path: Path):
    with pytest.raises(BadInput, match=r"cannot be read: no such file or directory \(give the path of a settings file"):
        read_bus_settings(path)


@pytest.mark.parametrize(
    ("files", "modes", "exposed"),
    [
        ({"username": "ada", "passwordFile": "p"}, {"p": 0o600}, []),
        ({"username": "ada", "passwordFile": "p"}, {"p": 0o640}, []),
        ({"username": "ada", "passwordFile": "p"}, {"p": 0o644}, ["p"]),
        ({"username": "ada", "passwordFile": "p"}, {}, []),
        ({"certFile": "c", "keyFile": "k"}, {"c": 0o644, "k": 0o600}, []),
        ({"certFile": "c", "keyFile": "k"}, {"c": 0o644, "k": 0o604}, ["k"]),
        ({"certFile": "c"}, {"c": 0o644}, ["c"]),
        ({"caFile": "c"}, {"c": 0o644}, []),
    ],
)
def test_secrets_that_everybody_can_read_are_known(
    path: Path, files: dict[str, str], modes: dict[str, int], exposed: list[str]
):
    for name, mode in modes.items():
        (path.parent / name).touch()
        (path.parent / name).chmod(mode)
    settings = BusSettings.model_validate({"security": files}).beside(path.parent)
    assert settings.secure().exposed() == [path.parent / name for name in exposed]
