"""A container image made on the spot, as no registry can be reached: one static program that sleeps."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from tests.real import packages

NAME = "tidegate.test/idle:1"
PROGRAM = "busybox"
SLEEP = ["/busybox", "sleep", "1000000"]
LAYOUT = {"imageLayoutVersion": "1.0.0"}
KINDS = "application/vnd.oci.image."


def write(archive: Path) -> None:
    """An OCI archive with the image; what runs in it sleeps unless it is told otherwise."""
    packages.need(PROGRAM, "busybox-static")
    program = Path(shutil.which(PROGRAM) or "")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as packed:
        packed.add(program.resolve(), arcname=PROGRAM)
    blobs: dict[str, bytes] = {}
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{_digest(layer.getvalue())}"]}
    config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": SLEEP}, "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{KINDS}manifest.v1+json",
        "config": _blob(blobs, "config.v1+json", json.dumps(config).encode()),
        "layers": [_blob(blobs, "layer.v1.tar", layer.getvalue())],
    }
    named = _blob(blobs, "manifest.v1+json", json.dumps(manifest).encode())
    index = {"schemaVersion": 2, "manifests": [{**named, "annotations": {"io.containerd.image.name": NAME}}]}
    files = {"oci-layout": json.dumps(LAYOUT).encode(), "index.json": json.dumps(index).encode(), **blobs}
    with tarfile.open(archive, "w") as packed:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _blob(blobs: dict[str, bytes], kind: str, data: bytes) -> dict[str, Any]:
    """Keep it under its digest, and tell how others refer to it."""
    digest = _digest(data)
    blobs[f"blobs/sha256/{digest}"] = data
    return {"mediaType": f"{KINDS}{kind}", "digest": f"sha256:{digest}", "size": len(data)}
