"""A service account that a test made: what it may do, its token's file and its kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.real.kube import kubeconfig
from tests.real.kube.certificates import Certificates
from tests.real.kube.client import Client, RefusedError

NAMESPACE = "default"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
SHORTEST_S = 600.0  # that an API server gives out


def rule(group: str, resources: str, verbs: str) -> dict[str, Any]:
    """One of RBAC's rules, ``rule("", "nodes pods", "get list watch")`` say."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}


class Account:
    """A service account in the namespace default and a cluster role of the same name that it is bound to."""

    def __init__(self, admin: Client, certificates: Certificates, folder: Path, name: str) -> None:
        self.name = name
        self.user = f"system:serviceaccount:{NAMESPACE}:{name}"
        self.kubeconfig = folder / f"{name}.kubeconfig"
        self.token_file = folder / f"{name}.token"
        self._admin = admin
        self._certificates = certificates
        self._uid = str(admin.create(ACCOUNTS, {"metadata": {"name": name}})["metadata"]["uid"])
        admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": []})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
        bound = {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
        admin.create(f"{RBAC}/clusterrolebindings", bound)

    def allow(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """From now on it may do this, and nothing else."""
        self._admin.patch(f"{RBAC}/clusterroles/{self.name}", {"rules": list(rules)})

    def may(self, asked: Mapping[str, Any]) -> bool:
        """Whether the API server says that it may do all of one of RBAC's rules."""
        return all(
            self._may(group, resource, verb)
            for group in asked["apiGroups"]
            for resource in asked["resources"]
            for verb in asked["verbs"]
        )

    def token(self, lives_s: float = 3600.0) -> str:
        """A new token of its own, as short-lived as a test wants it."""
        if lives_s < SHORTEST_S:
            return self._certificates.token(NAMESPACE, self.name, self._uid, lives_s)
        body = {"spec": {"expirationSeconds": int(lives_s)}}
        return str(self._admin.create(f"{ACCOUNTS}/{self.name}/token", body)["status"]["token"])

    def write_token(self, lives_s: float = 3600.0) -> None:
        """Put a new token into the file, at once and whole, as a kubelet does."""
        unfinished = self.token_file.with_suffix(".part")
        unfinished.write_text(self.token(lives_s), encoding="ascii")
        unfinished.chmod(0o600)
        unfinished.rename(self.token_file)

    def write_kubeconfig(self, server: str) -> None:
        """Have its kubeconfig name this server."""
        kubeconfig.write(self.kubeconfig, server, self._certificates.ca, kubeconfig.by_token_file(self.token_file))

    def client(self, server: str) -> closing[Client]:
        """Somebody apart who asks as this account, for a ``with``."""
        return closing(Client(server, self._certificates.ca, token=self.token_file.read_text(encoding="ascii")))

    def delete(self) -> None:
        """Take away the account and all its rights: none of its tokens is good any more."""
        for path in (f"{RBAC}/clusterrolebindings", f"{RBAC}/clusterroles", ACCOUNTS):
            try:
                self._admin.delete(f"{path}/{self.name}")
            except RefusedError as error:
                if error.status != 404:
                    raise

    def _may(self, group: str, resource: str, verb: str) -> bool:
        resource, _, subresource = resource.partition("/")
        asked = {"group": group, "resource": resource, "subresource": subresource, "verb": verb}
        told = self._admin.create(REVIEWS, {"spec": {"user": self.user, "groups": [], "resourceAttributes": asked}})
        return bool(told["status"]["allowed"])
