"""The example of a site file is taken as it stands, and the schema for editors says the same as the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from basics.documents.document import BadDocument
from cli.reference import files
from cli.reference_pages.site import site_page, site_schema_text
from service.site import read_site

EXAMPLE = Path(__file__).parents[2] / "examples" / "site.yaml"


def test_the_example_is_taken_as_it_stands():
    spec = read_site(EXAMPLE).spec
    assert spec.slurm.token_file == Path("/etc/tidegate/slurm-token")
    assert spec.bus.settings == EXAMPLE.parent / "bus-settings.yaml"
    assert spec.slurm.poll == 30
    assert spec.kubernetes is not None
    assert spec.kubernetes.token_file == Path("/etc/tidegate/kube-token")


def test_the_page_and_the_schema_are_among_the_generated_files():
    assert {"site.md", "site.schema.json"} < set(files())
    for key in ("tokenFile", "conf", "kubeconfig", "address"):
        assert f"| `{key}` |" in site_page()


def valid() -> Any:
    return yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))


def changed(path: str, value: object) -> Any:
    document = part = valid()
    *way, last = path.split(".")
    for key in way:
        part = part[key]
    part[last] = value
    return document


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"over": "native", "url": "http://s:1"}, ["url: is only for rest; leave it out"]),
        (
            {"over": "native", "url": "http://s:1", "tokenFile": "t", "user": "u", "caFile": "c"},
            [f"{key}: is only for rest; leave it out" for key in ("caFile", "tokenFile", "url", "user")],
        ),
        ({"over": "rest"}, ["lacks tokenFile, which rest needs", "lacks url, which rest needs"]),
        ({"over": "reast", "user": "u"}, ["over: must be 'rest' or 'native', not 'reast'"]),
        ({"over": "native", "poll": "0s", "user": "u"}, ["poll: must be from 1s to 10m, not 0s", "user: is only for"]),
        ({"url": "s:1", "tokenFile": "t"}, ["url: 's:1' is not an address"]),
    ],
    ids=["native and url", "native and all of rest", "rest alone", "neither", "native and more", "a wrong url"],
)
def test_no_two_lines_about_how_slurm_is_reached_contradict_each_other(
    tmp_path: Path, given: dict[str, str], told: list[str]
):
    document = {"spec": {"slurm": given, "kubernetes": {"kubeconfig": "k"}}}
    (tmp_path / "site.yaml").write_text(json.dumps(document))
    with pytest.raises(BadDocument) as refused:
        read_site(tmp_path / "site.yaml")
    lines = sorted(line.partition("spec.slurm")[2].lstrip(".: ") for line in str(refused.value).splitlines())
    assert [line[: len(want)] for line, want in zip(lines, told, strict=True)] == told


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.state", ""),
        ("spec.slurm.url", "slurmctl:6820"),
        ("spec.slurm.token", "a.b.c"),
        ("spec.slurm.poll", "0s"),
        ("spec.bus.address", "memory"),
        ("spec.kubernetes.twin", {"requests": "r.csv"}),
        ("spec.kubernetes.token", "a.b.c"),
        ("spec.kubernetes.server", "kubernetes"),
        ("spec.page", {"listen": "127.0.0.1:65536"}),
        ("kind", "Policy"),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses_but_for_the_length_of_durations(
    tmp_path: Path, path: str, value: object
):
    document = changed(path, value)
    (tmp_path / "site.yaml").write_text(json.dumps(document))
    with pytest.raises(BadDocument):
        read_site(tmp_path / "site.yaml")
    schema = json.loads(site_schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    if path != "spec.slurm.poll":
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema)


def test_the_schema_takes_the_example():
    jsonschema.validate(valid(), json.loads(site_schema_text()))
