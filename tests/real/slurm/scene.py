"""A cluster with nodes and jobs in every state that one can be brought to in two minutes, to see how each is told."""

from __future__ import annotations

from pathlib import Path

from tests.real.slurm.cluster import Cluster, CommandError
from tests.real.slurm.conf import Node, Options
from tests.real.slurm.install import Release

SLOW_USER = "cyd"  # whose jobs are completing for a while after their end
EPILOG = f'#!/bin/sh\n[ "$SLURM_JOB_USER" = {SLOW_USER} ] && sleep 100\nexit 0\n'
CPUS = 16
GPU_NODES = (1, 2, 3, 4, 12)
ENDS_S = 100.0  # when a job with a limit of a minute has been ended
NODES = (
    *(
        Node(f"n{n:02}", CPUS, gpus=4 * (n in GPU_NODES), features="gpu" if n in GPU_NODES else "cpu")
        for n in range(1, 17)
    ),
    Node("d01", state="DOWN"),
    Node("f01", state="FUTURE"),
    Node("c01", state="CLOUD"),
)
PARTITIONS = {
    "batch": "Nodes=n[01-16] Default=YES MaxTime=2-00:00:00 DefaultTime=01:00:00",
    "gpu": "Nodes=n[01-04],n12",
    "small": "Nodes=n[15-16] PriorityTier=10 OverSubscribe=EXCLUSIVE MaxNodes=2",
    "secret": "Nodes=n16,d01 Hidden=YES AllowGroups=ada",
    "closed": "Nodes=n16,c01 State=DOWN",
}
SETTINGS = {
    "Epilog": "/etc/slurm/epilog",
    "Licenses": "matlab:2",
    "RebootProgram": "/bin/true",
    "ResumeProgram": "/bin/true",
    "SuspendProgram": "/bin/true",
    "SuspendTime": "86400",
}


def cluster(folder: Path, release: Release, jobcomp: str) -> Cluster:
    """The scene's cluster, with everything idle, not started yet."""
    options = Options(nodes=NODES, partitions=PARTITIONS, settings=SETTINGS, jobcomp=jobcomp)
    made = Cluster(folder, release, options)
    epilog = folder / "etc" / "epilog"
    epilog.write_text(EPILOG, encoding="ascii")
    epilog.chmod(0o755)
    return made


def play(slurm: Cluster) -> dict[str, int]:
    """Bring everything into its state, and tell the numbers of the jobs by what they show."""
    jobs = _run(slurm)
    _reserve(slurm)
    jobs |= _wait(slurm)
    slurm.wait(lambda: slurm.job(jobs["timeout"])["JobState"] == "TIMEOUT", "the job is ended", ENDS_S)
    jobs["completing"] = slurm.submit("--nodelist=n14", wrap="true", user=SLOW_USER)
    _reach(slurm, jobs["completing"], "COMPLETING")
    _change_nodes(slurm)
    slurm.wait(lambda: "PLANNED" in slurm.flags("n16"), "a node is planned for")
    slurm.wait(lambda: "MAINTENANCE" in slurm.flags("n08"), "the reservation has begun")
    return jobs


def _run(slurm: Cluster) -> dict[str, int]:
    """Jobs that run, and some that have ended."""
    jobs = {
        "timeout": slurm.submit("--nodelist=n05", minutes=1, user="ada"),
        "exclusive": slurm.submit("--nodelist=n01", "--exclusive", minutes=120, user="ada"),
        "gpus": slurm.submit("--nodelist=n03", "--gres=gpu:a100:2", "--job-name=train", user="ben"),
        "unlimited": slurm.submit("--partition=gpu", "--nodelist=n04", "--time=UNLIMITED", "--gpus=1", user="ben"),
        "suspended": slurm.submit("--nodelist=n13", f"--ntasks={CPUS}", user="ada"),
        "on-rebooting": slurm.submit("--nodelist=n10", "--mem=1000"),
        "on-down": slurm.submit("--nodelist=n06", "--no-requeue", user="ada"),
        "two-nodes": slurm.submit("--nodelist=n[07-08]", "--ntasks-per-node=2", nodes=2, user="ben"),
        "small": slurm.submit("--partition=small", "--nodelist=n15", user="ada"),
        "failed": slurm.submit("--nodelist=n02", wrap="exit 3", user="ada"),
        "completed": slurm.submit("--nodelist=n02", wrap="true", user="ada"),
        "licence": slurm.submit("--nodelist=n02", "--licenses=matlab:2", user="ada"),
        "array": slurm.submit("--array=1-9:2%1", "--nodelist=n02", "--ntasks=2", user="ada"),
    }
    for name, number in jobs.items():
        if name not in {"failed", "completed", "array"}:
            _reach(slurm, number, "RUNNING")
    slurm.wait(lambda: "RUNNING" in slurm.run("squeue", "--noheader", f"--job={jobs['array']}", "--format=%T"), "array")
    slurm.run("scontrol", "suspend", str(jobs["suspended"]))
    jobs["cancelled"] = slurm.submit("--nodelist=n02", user="ada")
    _reach(slurm, jobs["cancelled"], "RUNNING")
    slurm.run("scancel", str(jobs["cancelled"]))
    slurm.run("scancel", str(jobs["two-nodes"]))
    return jobs


def _reserve(slurm: Cluster) -> None:
    """A maintenance that has begun, one to come, and the other kinds of reservation that there are."""
    asked = {
        "now": ["nodes=n08", "starttime=now", "duration=120", "flags=maint,ignore_jobs"],
        "tonight": ["nodes=n[02-03]", "starttime=now+6hours", "duration=60", "flags=maint", "users=root"],
        "standing": ["nodes=n02", "starttime=now+1hour", "duration=60", "flags=time_float,ignore_jobs"],
        "flexible": ["nodes=n09", "starttime=now+1hour", "duration=60", "flags=flex,ignore_jobs"],
        "daily": ["nodes=n11", "starttime=now+1day", "duration=60", "flags=daily"],
        "course": ["partition=batch", "nodecnt=2", "starttime=now+30days", "duration=60", "users=ada,ben"],
    }
    for name, words in asked.items():
        users = [] if any(word.startswith("users=") for word in words) else ["users=root"]
        slurm.run("scontrol", "create", "reservation", f"reservationname={name}", *words, *users)


def _wait(slurm: Cluster) -> dict[str, int]:
    """Jobs that wait, each for another reason."""
    jobs = {
        "held": slurm.submit("--hold", user="ada"),
        "begins-later": slurm.submit("--begin=now+1day", user="ada"),
        "planned": slurm.submit("--partition=small", nodes=2, minutes=60, user="ben"),
        "too-many-nodes": slurm.submit("--partition=gpu", "--gpus-per-node=a100:4", nodes=5, user="ben"),
        "waits-for-licence": slurm.submit("--licenses=matlab:1", user="ben"),
        "constraint": slurm.submit("--constraint=gpu", "--nodelist=n01", f"--ntasks={CPUS}", user="ada"),
        "in-reservation": slurm.submit("--reservation=tonight", user="root"),
        "closed-partition": slurm.submit("--partition=closed", user="ben"),
        "big-array": slurm.submit("--hold", "--array=0-99", "--nice=10", user="ada"),
        "het": _het(slurm),
    }
    jobs["depends"] = slurm.submit(f"--dependency=afterok:{jobs['held']}", user="ada")
    jobs["requeued"] = slurm.submit("--nodelist=n09", user="ben")
    _reach(slurm, jobs["requeued"], "RUNNING")
    slurm.run("scontrol", "requeue", str(jobs["requeued"]))
    return jobs


def _het(slurm: Cluster) -> int:
    """A job of two parts, the second with GPUs, that waits."""
    second = [":", "--nodes=2", "--gres=gpu:1", "--partition=gpu"]
    asked = ["--parsable", "--hold", "--output=/dev/null", "--time=30", "--nodes=1", "--wrap=sleep 600", *second]
    return int(slurm.run("sbatch", *asked, user="ada").split(";")[0])


def _change_nodes(slurm: Cluster) -> None:
    """What persons and accidents do to nodes."""
    update = ("scontrol", "update")
    slurm.ask("POST", "node/n04", {"state": ["DRAIN"], "reason": "tidegate:draining"})
    slurm.ask("POST", "node/n05", {"state": ["DRAIN"], "reason": "tidegate:drained"})
    slurm.run(*update, "nodename=n06", "state=down", "reason=disk is broken")
    slurm.slurmds["n07"].kill()
    slurm.run(*update, "nodename=n07", "state=drain", "reason=look at it")
    slurm.run(*update, "nodename=n07", "state=resume")
    slurm.run(*update, "nodename=n09", "state=power_down")
    slurm.run("scontrol", "reboot", "asap", "nextstate=resume", "reason=new kernel", "n10")
    slurm.run(*update, "nodename=n11", "state=fail", "reason=its memory is failing")
    _lose_gpus(slurm, "n12")


def _lose_gpus(slurm: Cluster, node: str) -> None:
    """Have a node find fewer GPUs than it is said to have."""
    file = slurm.folder / "etc" / "gres.conf"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if f"NodeName={node} " not in line), encoding="utf-8")
    slurm.slurmds[node].kill()
    slurm.slurmds[node].start()
    slurm.wait(lambda: "INVALID_REG" in slurm.flags(node), "the node's registration is invalid")


def _reach(slurm: Cluster, number: int, state: str) -> None:
    def told() -> str:
        try:
            return slurm.job(number)["JobState"]
        except CommandError:
            return ""

    slurm.wait(lambda: told() == state, f"job {number} is {state}")
