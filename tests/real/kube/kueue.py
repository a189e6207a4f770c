"""Kueue's own controller, which lets Jobs run as far as quota goes; and what a site tells it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.real import packages, ports
from tests.real.kube import crds, install, objects
from tests.real.kube.client import NOTHING, Client
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.options import LOOPBACK
from tests.real.kube.process import Process

API = "/apis/kueue.x-k8s.io/v1beta2"
NAMESPACE = "kueue-system"
CHECKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
QUEUE = "kueue.x-k8s.io/queue-name"
NO_WEBHOOK = "VisibilityOnDemand=false"  # it would want a certificate for it
AS_ETC = 'mount --bind "$0" /etc && exec "$@"'
READY_S = 60.0


class Kueue:
    """Kueue's controller for Jobs on a control plane, with nothing of it changed but that its webhooks are not asked.

    So a Job has to be made suspended, with the label ``QUEUE``. It sees an ``/etc`` of its own, as it insists on
    certificates there.
    """

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        if os.geteuid() != 0:
            raise packages.MissingError("Kueue's controller needs root, to have an /etc of its own")
        self.control_plane = control_plane
        self._health, webhook = ports.free(2)
        self._webhooks = f"https://{LOOPBACK}:{webhook}"
        server = control_plane.certificates.server
        etc, config = folder / "etc", folder / "kueue.json"
        for where in (etc / "kueue/metrics/certs", folder / "webhook"):
            where.mkdir(parents=True)
            (where / "tls.crt").write_bytes(server.certificate.read_bytes())
            (where / "tls.key").write_bytes(server.key.read_bytes())
        config.write_text(json.dumps(_config(self._health, webhook, folder / "webhook")), encoding="utf-8")
        kubeconfig = f"--kubeconfig={control_plane.kubeconfig}"
        argv = (str(install.kueue() / "kueue"), f"--config={config}", kubeconfig, f"--feature-gates={NO_WEBHOOK}")
        self.controller = Process(
            "kueue", ("unshare", "--mount", "sh", "-c", AS_ETC, str(etc), *argv), control_plane.logs / "kueue.log"
        )

    def start(self) -> None:
        """Have the API server know of Kueue, start its controller and wait until it is ready."""
        crds.apply(self.control_plane, "kueue")
        self.control_plane.admin.ask("POST", objects.CORE, {"metadata": {"name": NAMESPACE}})  # it may be there
        self.controller.start()
        self.control_plane.wait(lambda: not self.controller.runs or self._is_ready(), "Kueue is ready", READY_S)
        if not self.controller.runs:
            raise RuntimeError(f"Kueue ended at once; see {self.controller.log}\n{self.controller.log_tail()}")

    def stop(self) -> None:
        """End the controller; what it knows of stays."""
        self.controller.kill()

    @contextmanager
    def checking(self, queue: str) -> Iterator[None]:
        """Within the block, changes of this one ClusterQueue are checked by Kueue's own webhook, as at every site."""
        ca = base64.b64encode(self.control_plane.certificates.ca.read_bytes()).decode()
        hook = {
            "name": "vclusterqueue.kb.io",
            "clientConfig": {"url": f"{self._webhooks}/validate-kueue-x-k8s-io-v1beta2-clusterqueue", "caBundle": ca},
            "rules": [
                {
                    "apiGroups": ["kueue.x-k8s.io"],
                    "apiVersions": ["v1beta2"],
                    "operations": ["UPDATE"],
                    "resources": ["clusterqueues"],
                }
            ],
            "matchConditions": [{"name": "one", "expression": f"request.name == {queue!r}"}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        admin = self.control_plane.admin
        admin.create(CHECKS, {"metadata": {"name": queue}, "webhooks": [hook]})
        try:
            yield
        finally:
            admin.delete(f"{CHECKS}/{queue}")

    def _is_ready(self) -> bool:
        with (
            closing(HTTPConnection(LOOPBACK, self._health, timeout=2.0)) as connection,
            suppress(OSError, HTTPException),
        ):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False


def flavor(client: Client, name: str, labels: Mapping[str, str] = NOTHING) -> Any:
    """Nodes of one kind: those with these labels."""
    return crds.create(client, f"{API}/resourceflavors", "ResourceFlavor", name, {"nodeLabels": dict(labels)})


def cluster_queue(client: Client, name: str, flavored: str, quota: Mapping[str, str], **spec: Any) -> Any:
    """A queue with so much of each resource, of one flavor; every namespace may use it."""
    named = [{"name": resource, "nominalQuota": amount} for resource, amount in quota.items()]
    group = {"coveredResources": [*quota], "flavors": [{"name": flavored, "resources": named}]}
    wanted = {"namespaceSelector": {}, "resourceGroups": [group], **spec}
    return crds.create(client, f"{API}/clusterqueues", "ClusterQueue", name, wanted)


def local_queue(client: Client, space: str, name: str, to: str) -> Any:
    """The name by which Jobs of a namespace reach a queue."""
    return crds.create(client, f"{API}/namespaces/{space}/localqueues", "LocalQueue", name, {"clusterQueue": to})


def set_quota(client: Client, name: str, quota: Mapping[str, str]) -> None:
    """Let a queue of one flavor have so much from now on."""
    path = f"{API}/clusterqueues/{name}"
    groups = client.get(path)["spec"]["resourceGroups"]
    named = [{"name": resource, "nominalQuota": amount} for resource, amount in quota.items()]
    groups[0]["flavors"][0]["resources"] = named
    client.patch(path, {"spec": {"resourceGroups": groups}})


def workloads(client: Client, space: str) -> dict[str, Any]:
    """The workloads of a namespace, by the name of the Job each stands for."""
    there = client.items(f"{API}/namespaces/{space}/workloads")
    return {one["metadata"]["ownerReferences"][0]["name"]: one for one in there}


def condition(workload: Mapping[str, Any], kind: str) -> tuple[str, str]:
    """The status and the reason of a condition; nothing when there is none of that kind."""
    told = workload.get("status", {}).get("conditions") or ()
    return next(((one["status"], one["reason"]) for one in told if one["type"] == kind), ("", ""))


def _config(health: int, webhook: int, certificates: Path) -> dict[str, Any]:
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": NAMESPACE,
        "health": {"healthProbeBindAddress": f"{LOOPBACK}:{health}"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"host": LOOPBACK, "port": webhook, "certDir": str(certificates)},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "integrations": {"frameworks": ["batch/job"]},
    }
