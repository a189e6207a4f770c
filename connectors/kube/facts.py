"""What Kubernetes tells of itself; the numbers are of its API server's own time-outs."""

from __future__ import annotations

from connectors.kube.names import RECORD, SIDE
from models.scheduler_facts import SchedulerFacts

FACTS = SchedulerFacts(
    name="Kubernetes",
    settle_s=0,  # etcd has a write on disk before it is answered; what a scheduler binds late is the policy's settle
    lands_s=60,  # the API server gives a request up after its --request-timeout of 60 s
    write_longest_s=10.0,  # we give it up before
    show_command="kubectl describe node {node}",
    open_command=f"kubectl taint node {{node}} {SIDE}-",
    forget_command=f"kubectl annotate node {{node}} {RECORD}-",
)
