"""What a cluster is made of, and the configuration files that say so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST, BACKUP = "slurm", "backup"  # what its hosts are called, whatever this machine is
SLURMD_CONF = "slurmd.conf"
UNKNOWN = "UNKNOWN"  # of a node that registers
CLOCK = "clock"  # the file that says how far the clock is off
FAKETIME = "/usr/$LIB/faketime/libfaketime.so.1"  # the linker knows what $LIB is on this machine
TAKEOVER_S = 10
NOBODYS_PORT = 9  # of nodes that are not there
STATE = "state"  # where slurmctld saves what it knows
SECRETS = {"slurm.key": 1024, "jwt_hs256.key": 32}  # random bytes
STARTS, ENDS = "slurm-starts", "slurm-jobs"  # the topics of jobs that start and that end

AUTH = {
    "AuthType": "auth/slurm",
    "AuthInfo": "use_client_ids",
    "AuthAltTypes": "auth/jwt",
    "AuthAltParameters": "jwt_key=/etc/slurm/jwt_hs256.key",
}


@dataclass(frozen=True)
class Node:
    """A node, as it says that it is; nothing of it has to be there. With a state of another kind it is not started."""

    name: str
    cpus: int = 64
    memory_mb: int = 256_000
    gpus: int = 0
    features: str = ""
    state: str = UNKNOWN


NODES = tuple(Node(f"n{number:02}", gpus=4 if number <= 4 else 0) for number in range(1, 9))
SOON = "bf_interval=1,bf_resolution=10,batch_sched_delay=0,sched_interval=1"  # jobs start within a second or two


@dataclass(frozen=True)
class Options:
    """What a test wants of a cluster.

    Unless it says otherwise there is a partition of all nodes, batch, and one of those with GPUs, gpu. Of the
    ``absent`` nodes, a00001 and so on, only slurmctld knows: they are down, and once resumed, idle but not responding.
    With ``backup`` a second slurmctld takes over when the first has been silent for TAKEOVER_S. ``jobcomp`` is the
    address of a Kafka broker that has the topics STARTS and ENDS. ``clock`` is how far the clocks of all its hosts are
    off, ``+3h`` say; with ``+0`` they can be set later. ``settings`` are lines of slurm.conf that win over ours, and
    ``programs`` the scripts in /etc/slurm that they name.
    """

    nodes: tuple[Node, ...] = NODES
    absent: int = 0
    partitions: Mapping[str, str] | None = None
    backup: bool = False
    accounting: bool = False
    jobcomp: str = ""
    clock: str = ""
    scheduler_parameters: str = SOON
    settings: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ports:
    """Where a cluster's servers listen, all on loopback."""

    controller: int
    rest: int
    database: int
    nodes: Mapping[str, int]


def write(folder: Path, options: Options, ports: Ports) -> None:
    """Fill the folder that the cluster has as /etc/slurm.

    The slurmds have a configuration of their own, as on one host all of them would want the same socket for sack.
    """
    settings = slurm_conf(options, ports)
    _write(folder / "slurm.conf", settings)
    _write(folder / SLURMD_CONF, settings.replace(AUTH["AuthInfo"], f"{AUTH['AuthInfo']},disable_sack"))
    _write(folder / "gres.conf", gres_conf(options))
    _write(folder / "cgroup.conf", "CgroupPlugin=disabled\n")
    for name, script in options.programs.items():
        _write(folder / name, script, mode=0o755)
    if options.jobcomp:
        _write(folder / "jobcomp_kafka.conf", f"bootstrap.servers={options.jobcomp}\n")
    if options.accounting:
        _write(folder / "slurmdbd.conf", slurmdbd_conf(ports), mode=0o600)
    if options.clock:
        _write(folder / CLOCK, options.clock)
    for name, length in SECRETS.items():
        if not (folder / name).exists():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(os.urandom(length))


def environment(options: Options) -> list[str]:
    """What has to stand before every command that runs in the cluster."""
    if not options.clock:
        return []
    switches = ["FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_DISABLE_SHM=1"]
    return ["env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE=/etc/slurm/{CLOCK}", *switches]


def slurm_conf(options: Options, ports: Ports) -> str:
    settings = AUTH | {
        "ClusterName": "tidegate",
        "CredType": "auth/slurm",
        "SlurmctldHost": f"{HOST}(127.0.0.1)",
        "SlurmctldTimeout": str(TAKEOVER_S),
        "SlurmctldPort": str(ports.controller),
        "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
        "SlurmUser": "root",
        "StateSaveLocation": f"/var/lib/slurm/{STATE}",
        "SlurmdSpoolDir": "/var/lib/slurm/spool-%n",
        "SlurmctldPidFile": "/run/slurmctld.pid",
        "SlurmdPidFile": "/run/slurmd-%n.pid",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "MpiDefault": "none",
        "SelectType": "select/cons_tres",
        "GresTypes": "gpu",
        "MailProg": "/bin/true",
        "SlurmdParameters": "config_overrides",
        "ReturnToService": "0",
        "DefMemPerCPU": "4000",
        "DebugFlags": "NO_CONF_HASH",
        "LogTimeFormat": "iso8601_ms,format_stderr",
        "SchedulerParameters": options.scheduler_parameters,
    }
    settings |= _accounting(ports) if options.accounting else {}
    settings |= _jobcomp() if options.jobcomp else {}
    settings |= {"SlurmdTimeout": "0"} if options.absent else {}
    lines = [f"SlurmctldHost={BACKUP}(127.0.0.2)"] if options.backup else []
    lines = [f"{name}={value}" for name, value in (settings | dict(options.settings)).items()] + lines
    lines += [_node(node, ports.nodes[node.name]) for node in options.nodes]
    if options.absent:
        lines.append(_node(Node(f"a[{1:05}-{options.absent:05}]", state="DOWN"), NOBODYS_PORT))
    lines += [f"PartitionName={name} {more}" for name, more in _partitions(options).items()]
    return "\n".join(lines) + "\n"


def gres_conf(options: Options) -> str:
    lines = [
        f"NodeName={node.name} Name=gpu Type=a100 File=/srv/gpus/gpu[0-{node.gpus - 1}]"
        for node in options.nodes
        if node.gpus
    ]
    return "\n".join(["AutoDetect=off", *lines]) + "\n"


def slurmdbd_conf(ports: Ports) -> str:
    settings = AUTH | {
        "DbdHost": HOST,
        "DbdAddr": "127.0.0.1",
        "DbdPort": str(ports.database),
        "SlurmUser": "root",
        "PidFile": "/run/slurmdbd.pid",
        "StorageType": "accounting_storage/mysql",
        "StorageHost": "localhost",
        "StorageUser": "root",
        "StorageLoc": "slurm_acct_db",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _partitions(options: Options) -> Mapping[str, str]:
    if options.partitions is not None:
        return options.partitions
    with_gpus = ",".join(node.name for node in options.nodes if node.gpus)
    return {"batch": "Nodes=ALL Default=YES"} | ({"gpu": f"Nodes={with_gpus}"} if with_gpus else {})


def _accounting(ports: Ports) -> dict[str, str]:
    return {
        "AccountingStorageType": "accounting_storage/slurmdbd",
        "AccountingStorageHost": HOST,
        "AccountingStoragePort": str(ports.database),
        "AccountingStorageTRES": "gres/gpu",
        "JobAcctGatherType": "jobacct_gather/linux",
    }


def _jobcomp() -> dict[str, str]:
    topics = f"topic={ENDS},enable_job_start,topic_job_start={STARTS}"
    return {
        "JobCompType": "jobcomp/kafka",
        "JobCompLoc": "/etc/slurm/jobcomp_kafka.conf",
        "JobCompParams": f"flush_timeout=500,poll_interval=1,{topics}",
    }


def _node(node: Node, port: int) -> str:
    words = [f"NodeName={node.name} NodeHostname={HOST} NodeAddr=127.0.0.1 Port={port} State={node.state}"]
    words.append(f"CPUs={node.cpus} Sockets=2 CoresPerSocket={node.cpus // 2} ThreadsPerCore=1")
    words.append(f"RealMemory={node.memory_mb}")
    words += [f"Gres=gpu:a100:{node.gpus}"] if node.gpus else []
    words += [f"Features={node.features}"] if node.features else []
    return " ".join(words)


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    file.touch(mode=mode)
    file.write_text(text, encoding="utf-8")
