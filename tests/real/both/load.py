"""Jobs for Slurm and pods for Kubernetes from a seed, of kinds that sites have, as long as a test wants them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from tests.real.kube import objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.observer import BEGUN, Observer

REFUSING = (
    {"karpenter.sh/do-not-disrupt": "true"},
    {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
)
OPTED_IN = {"tidegate.dev/evict": "allowed"}
SERVICES = {"web": 3, "steady": 2, "opted": 3}  # replicas by name; the steady ones have not opted in
LEAST = {"web": 2, "steady": 2}  # those that a budget keeps; of the steady ones none may go
PAUSE_S = 1.5
WAITING_MOST = 10  # jobs that wait


def refuses(pod: Mapping[str, Any]) -> bool:
    """Whether a pod says that it is not to be evicted."""
    annotations = pod["metadata"].get("annotations") or {}
    return any(annotations.items() >= refusing.items() for refusing in REFUSING)


@contextmanager
def repeating(what: Callable[[], None]) -> Iterator[None]:
    """Do it again and again in a thread of its own. Raises, at the end, what was raised there."""
    ended, errors = Event(), list[BaseException]()

    def repeat() -> None:
        try:
            while not ended.is_set():
                what()
                ended.wait(PAUSE_S)
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=repeat, name="load", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if errors:
        raise errors[0]


class Jobs:
    """Jobs of one to six seconds, on one node or two, whole nodes and parts; a few of them wait all the time."""

    def __init__(self, cluster: Cluster, observer: Observer, seed: int) -> None:
        self.submitted: list[int] = []
        self._cluster = cluster
        self._observer = observer
        self._dice = random.Random(seed)

    def submit(self) -> None:
        """Three more, unless enough wait."""
        if self._waiting() > WAITING_MOST:
            return
        lines = []
        for _ in range(3):
            nodes = self._dice.choice((1, 1, 1, 2))
            share = self._dice.choice(("--exclusive", "--exclusive", "--ntasks-per-node=8", "--ntasks-per-node=32"))
            asked = f"--parsable --output=/dev/null --time=1 --nodes={nodes} {share}"
            lines.append(f"sbatch {asked} --wrap='sleep {self._dice.uniform(1.0, 6.0):.2f}'")
        self.submitted += [int(line) for line in self._cluster.run("sh", "-ec", "\n".join(lines)).split()]

    def _waiting(self) -> int:
        last = self._observer.sights[-1]
        return sum("PENDING" in states for states in last.jobs.values())

    def ran(self) -> int:
        """How many were seen to run."""
        seen = {job for sight in self._observer.sights for job, states in sight.jobs.items() if states & BEGUN}
        return len(seen & {str(number) for number in self.submitted})


class Pods:
    """Services, two of them with a budget, and pods and Jobs of a few seconds, some of which refuse to be evicted."""

    def __init__(self, control_plane: ControlPlane, space: str, seed: int) -> None:
        self.made = 0
        self._admin = control_plane.admin
        self._control_plane = control_plane
        self._space = space
        self._dice = random.Random(seed)

    def begin(self) -> None:
        """The services, and their budgets, which count from now on."""
        for name, replicas in SERVICES.items():
            self._service(name, replicas, OPTED_IN if name in {"opted", "web"} else {})
        for name, least in LEAST.items():
            objects.budget(self._admin, self._space, name, app=name, min_available=least)
        objects.wait_count(self._control_plane, self._space, sum(SERVICES.values()))
        self._control_plane.wait(lambda: all(map(self._counts, LEAST)), "the budgets count")

    def create(self) -> None:
        """One more that ends by itself: a bare pod, or a Job of one to three."""
        dice, self.made = self._dice, self.made + 1
        name, runs = f"short-{self.made}", objects.runs_for(dice.uniform(1.0, 5.0))
        refusing = dice.choice((*REFUSING, {}, {}, {}, {}))
        asked = {"cpu": str(dice.choice((1, 4, 16, 60)))}
        annotations = runs | (refusing or dice.choice((OPTED_IN, OPTED_IN, {})))
        more: dict[str, Any] = {"annotations": annotations, "restartPolicy": "Never"}
        if dice.random() < 0.5:
            objects.pod(self._admin, self._space, name, asked, **more)
        else:
            del more["restartPolicy"]
            objects.job(self._admin, self._space, name, asked, parallelism=dice.randint(1, 3), **more)

    def _service(self, name: str, replicas: int, annotations: dict[str, str]) -> None:
        labels = {"app": name}
        template = {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": objects.pod_spec({"cpu": "8"}),
        }
        spec: dict[str, Any] = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        self._admin.create(f"{objects.APPS}/{self._space}/deployments", {"metadata": {"name": name}, "spec": spec})

    def _counts(self, name: str) -> bool:
        status = self._admin.get(f"{objects.POLICY}/{self._space}/poddisruptionbudgets/{name}").get("status", {})
        return bool(status.get("currentHealthy", 0) >= LEAST[name] and status.get("observedGeneration"))
