"""What a test may want of a control plane, and with which arguments its servers are started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.real.kube import install
from tests.real.kube.certificates import ISSUER, Certificates

LOOPBACK = "127.0.0.1"
SERVICES = "10.96.0.0/16"
OWN_STAGES = Path(__file__).with_name("stages")


class Ports(NamedTuple):
    """What listens where."""

    etcd: int
    etcd_peer: int
    apiserver: int
    scheduler: int
    controller_manager: int
    kwok: int


@dataclass(frozen=True)
class Options:
    """``lease_s`` is how long a node's lease lasts, and ``unready_s`` after how long a silent node is not ready.

    ``tokens_most`` is the longest life of a token, ``1h`` at least. The other texts are arguments of the servers.
    """

    scheduler: bool = True
    controller_manager: bool = True
    kwok: bool = True
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: tuple[str, ...] = ()
    tokens_most: str = ""
    lease_s: int = 40
    unready_s: int = 50
    apiserver_arguments: tuple[str, ...] = ()
    scheduler_arguments: tuple[str, ...] = ()
    controller_manager_arguments: tuple[str, ...] = ()

    @property
    def gates(self) -> tuple[str, ...]:
        """Feature gates as an argument, if there are any."""
        named = ",".join(f"{name}={str(on).lower()}" for name, on in self.feature_gates.items())
        return (f"--feature-gates={named}",) if named else ()


def etcd(folder: Path, ports: Ports) -> tuple[str, ...]:
    """It need not outlive the machine: what was acknowledged is kept when it is killed, not when the power fails."""
    here, peer = f"http://{LOOPBACK}:{ports.etcd}", f"http://{LOOPBACK}:{ports.etcd_peer}"
    return (
        str(install.control_plane() / "etcd"),
        "--name=etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={here}",
        f"--advertise-client-urls={here}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=etcd={peer}",
        "--unsafe-no-fsync",
        "--logger=zap",
        "--log-level=warn",
    )


def apiserver(
    folder: Path, ports: Ports, certificates: Certificates, tokens: Path, options: Options
) -> tuple[str, ...]:
    """Pods need no service account, so a namespace can be used as soon as it is there.

    Without a controller manager nobody would take the taint away that a new node gets, so it gets none.
    """
    off = ["ServiceAccount"] + ([] if options.controller_manager else ["TaintNodesByCondition"])
    wanted = [f"--service-account-max-token-expiration={options.tokens_most}"] if options.tokens_most else []
    wanted += [f"--runtime-config={','.join(options.runtime_config)}"] if options.runtime_config else []
    return (
        str(install.control_plane() / "kube-apiserver"),
        f"--etcd-servers=http://{LOOPBACK}:{ports.etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={ports.apiserver}",
        f"--cert-dir={folder / 'apiserver'}",
        f"--tls-cert-file={certificates.server.certificate}",
        f"--tls-private-key-file={certificates.server.key}",
        f"--client-ca-file={certificates.ca}",
        f"--token-auth-file={tokens}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={certificates.tokens_public}",
        f"--service-account-signing-key-file={certificates.tokens_key}",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        f"--disable-admission-plugins={','.join(off)}",
        *wanted,
        *options.gates,
        *options.apiserver_arguments,
    )


def scheduler(folder: Path, ports: Ports, kubeconfig: Path, options: Options) -> tuple[str, ...]:
    return (
        str(install.control_plane() / "kube-scheduler"),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={ports.scheduler}",
        f"--cert-dir={folder / 'scheduler'}",
        *options.gates,
        *options.scheduler_arguments,
    )


def controller_manager(
    folder: Path, ports: Ports, kubeconfig: Path, certificates: Certificates, options: Options
) -> tuple[str, ...]:
    return (
        str(install.control_plane() / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={certificates.tokens_key}",
        f"--root-ca-file={certificates.ca}",
        f"--node-monitor-grace-period={options.unready_s}s",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={ports.controller_manager}",
        f"--cert-dir={folder / 'controller-manager'}",
        *options.gates,
        *options.controller_manager_arguments,
    )


def kwok(ports: Ports, kubeconfig: Path, options: Options) -> tuple[str, ...]:
    stages = [*_stages(install.control_plane() / "stages"), *_stages(OWN_STAGES)]
    return (
        str(install.control_plane() / "kwok"),
        f"--kubeconfig={kubeconfig}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        f"--node-lease-duration-seconds={options.lease_s}",
        f"--server-address={LOOPBACK}:{ports.kwok}",
        "--v=WARN",
        *stages,
    )


def _stages(folder: Path) -> Iterator[str]:
    return (f"--config={file}" for file in sorted(folder.glob("*.yaml")))
