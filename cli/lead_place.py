"""Where the orders of persons stand: in the state beside a lock file, or in a Lease of Kubernetes."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol

import typer

from basics.file_lock import real
from connectors.local import lock_state
from connectors.local.lock_file import leader_of
from models.errors import BadInput
from models.leadership import Orders
from models.takeovers import BY_LONGEST
from service.site import LOCK, LeaseSettings, Site, read_site
from service.state_folder import AUDIT

if TYPE_CHECKING:
    from connectors.kube.lease import KubeLeaseStore

File = Annotated[
    Path | None, typer.Argument(help="The lock file that the controller leads by", metavar="FILE", show_default=False)
]
SiteFile = Annotated[
    Path | None, typer.Option("--site", metavar="FILE", help="The site file, instead: by what it leads stands in it")
]


class Led(NamedTuple):
    """The latest epoch, what the leader remembers, and who leads now, in words; empty while nobody does."""

    epoch: int
    remembered: str
    leader: str


class Place(Protocol):
    """One such place: what it is called, what kind of thing it is, and what to look at when it is not the right one."""

    @property
    def name(self) -> str:
        """As a person knows it."""
        ...

    kind: str
    remedy: str

    def look(self) -> Led | None:
        """What is there; None when there is nothing. Raises BadInput or Unreachable."""
        ...

    def orders(self) -> Orders:
        """What persons have set; nothing where there is nothing yet. Raises BadInput or Unreachable."""
        ...

    def order(self, new: Callable[[Orders], Orders]) -> Orders:
        """Replace the orders. Raises BadInput or Unreachable, and then nothing is known to have changed."""
        ...

    @property
    def typed(self) -> str:
        """How a person names it in a command, to be pasted."""
        ...


class LockPlace:
    """The state beside a lock file; ``typed`` is how a person names it."""

    kind = "lock"
    remedy = "check the path; a service leads in mode auto alone"

    def __init__(self, file: Path, typed: str) -> None:
        self.name = str(file)
        self._file = file
        self.typed = typed

    def look(self) -> Led | None:
        """See the base."""
        state = lock_state.read_state(real(self._file))
        leader = leader_of(self._file)
        return None if state is None else Led(state.epoch, state.remembered, f"{leader} leads" if leader else "")

    def orders(self) -> Orders:
        """See the base."""
        return lock_state.read_orders(self._file)

    def order(self, new: Callable[[Orders], Orders]) -> Orders:
        """See the base."""
        return lock_state.order(self._file, new)


class LeasePlace:
    """A Lease; ``typed`` is how a person names it."""

    kind = "lease"
    remedy = "check spec.leadership.lease of the site file; a service leads in mode auto alone"

    def __init__(self, store: KubeLeaseStore, typed: str) -> None:
        self.name = str(store)
        self._store = store
        self.typed = typed

    def look(self) -> Led | None:
        """See the base."""
        found = self._store.read()
        if found is None:
            return None
        return Led(found.epoch, found.remembered, f"{found.holder} holds it" if found.holder else "")

    def orders(self) -> Orders:
        """See the base."""
        found = self._store.read()
        return Orders() if found is None else found.orders

    def order(self, new: Callable[[Orders], Orders]) -> Orders:
        """See the base."""
        return self._store.order(new).orders


def place_of(file: Path | None, site_file: Path | None) -> Place:
    """Where the lock file says, or the site file. Raises BadParameter unless exactly one is given, or BadInput."""
    if (file is None) == (site_file is None):
        raise typer.BadParameter("name the lock file, or the site file with --site")
    if site_file is None:
        assert file is not None  # noqa: S101
        return LockPlace(file, quote(str(file.absolute())))
    site, typed = read_site(site_file), f"--site {quote(str(site_file.absolute()))}"
    lease = site.spec.leadership.lease
    return LockPlace(site.spec.state / LOCK, typed) if lease is None else _lease_of(site, lease, typed)


def led_by(place: Place) -> Led:
    """What is there. Raises BadInput where no service has led by it, as nobody would hear an order, or Unreachable."""
    led = place.look()
    if led is None or not led.epoch:
        raise BadInput(
            f"no service has led by this {place.kind}, so nobody would hear it", where=place.name, remedy=place.remedy
        )
    return led


def resume_command(place: Place, pool: str | None) -> str:
    """What lets moves of one pool, or of all, go on."""
    return f"tidegate resume {place.typed}{f' --pool {quote(pool)}' if pool else ''}"


def heard_by(led: Led, place: Place) -> str:
    """Who hears an order, in words."""
    if led.leader:
        return f"{led.leader}, in epoch {led.epoch}, and hears it within seconds"
    return f"nobody leads by {place.name} now: whoever does next hears it"


def audit_of(file: Path | None, site_file: Path | None) -> Path:
    """The audit that a leader on this machine writes, beside the lock file or where the site file says."""
    if site_file is not None:
        return read_site(site_file).spec.state / AUDIT
    assert file is not None  # noqa: S101 - place_of has seen to it
    return file.parent / AUDIT


def who() -> str:
    """Who gives an order, as far as the machine knows; under sudo, who asked for that."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        user = "somebody"
    return "".join(one for one in f"{user}@{socket.gethostname()}" if one.isprintable())[:BY_LONGEST]


def _lease_of(site: Site, lease: LeaseSettings, typed: str) -> LeasePlace:
    # The client of Kubernetes takes half a second to import, and most sites lead by a lock.
    from connectors.kube.lease import KubeLeaseStore  # noqa: PLC0415
    from service.kube_api import open_api  # noqa: PLC0415

    return LeasePlace(KubeLeaseStore(open_api(site.spec.kubernetes), lease.namespace, lease.name), typed)
