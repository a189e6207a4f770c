"""The files of a site: the documents that say how it is, and the folder in which state is kept."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from connectors.hooks.command import check_programs
from connectors.local.lock_file import leader_of
from connectors.local.lock_state import read_orders
from connectors.slurm.checkup.nodes import overlap_findings
from models.errors import BadInput
from models.findings import Finding, skipped, warning, well, wrong
from models.leadership import Orders
from models.policies import Mode, Policy, Spec
from service.page.admin import AdminToken
from service.policy_file import read_policy
from service.site import LOCK, PageSettings, Site, read_site
from service.state_folder import troubles

SITE, POLICY, HOOKS, STATE, PAGE = "site", "policy", "policy.hooks", "state", "page.token"
FREE_LEAST = 256 * 2**20  # bytes
REMOTE = frozenset(
    ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "ceph", "afs", "9p", "fuse.sshfs", "fuse.glusterfs")
)
FLEETING = frozenset(("tmpfs", "ramfs"))


def site_of(path: Path) -> tuple[Site | None, list[Finding]]:
    """The site, None where its file cannot be used, and what is found about the file."""
    try:
        return read_site(path), [well(SITE, f"{path} is valid")]
    except BadInput as error:
        return None, list(mistakes(SITE, error, "docs/reference/site.md has every key of a site file."))


def policy_of(path: Path | None) -> tuple[Policy | None, list[Finding]]:
    """The policy, None where there is none to use, and what is found about it."""
    if path is None:
        return None, [skipped(POLICY, "no policy was given, its defaults are looked at", "Give --policy FILE.")]
    try:
        policy = read_policy(path)
    except BadInput as error:
        return None, list(mistakes(POLICY, error, "docs/reference/policy.md has every key of a policy."))
    spec = policy.spec
    found = [well(POLICY, f"{path} is valid: policy {policy.metadata.name}, mode {spec.mode}")]
    return policy, [*found, *overlap_findings(spec.pools), *_hook_findings(spec)]


def _hook_findings(spec: Spec) -> Iterator[Finding]:
    """Whether the programs of hooks can be run by this user: without one of them mode auto does not start."""
    tell = wrong if spec.mode is Mode.AUTO else warning
    for pool in spec.pools:
        try:
            check_programs(pool.hooks)
        except BadInput as error:
            what = f"pool {pool.name}: {error.where}: {error.what}"
            yield tell(HOOKS, what, "Mend the file, or the policy's command; look as the user that Tidegate runs as.")


def page_findings(page: PageSettings | None) -> Iterator[Finding]:
    """Whether the admin token can be used, where there is one: without it neither the page nor role all starts."""
    if page is None or page.admin_token is None:
        return
    try:
        AdminToken(page.admin_token).check()
    except BadInput as error:
        remedy = "Write one line of random text as the user that Tidegate runs as, or take spec.page.adminToken out:"
        command = f"(umask 077; openssl rand -hex 32 > {shlex.quote(str(page.admin_token))})"
        yield wrong(PAGE, f"{error.where}: {error.what}", remedy, command)
        return
    for path in page.exposed():
        what = f"everybody on this machine can read {path}, and so move nodes"
        yield warning(PAGE, what, "", f"chmod o-rwx {shlex.quote(str(path))}")
    if not page.exposed():
        yield well(PAGE, f"{page.admin_token}: whoever gives this token may order by the page")


def state_findings(folder: Path) -> Iterator[Finding]:
    """Whether state can be kept in the folder, and outlives a crash there; whether somebody has paused moves."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = f"{folder} cannot be written to by this user" if there == folder else f"{folder} cannot be made"
        yield wrong(STATE, what, "Give it to the user that Tidegate runs as, or name another folder as spec.state.")
        return
    if there == folder:
        found = [wrong(STATE, f"{one.where} {one.what}", one.remedy) for one in troubles(folder)]
        yield from found
        if found:
            return
    kind, free = file_system(there), shutil.disk_usage(there).free
    if kind in REMOTE:
        yield wrong(
            STATE,
            f"{folder} is on a {kind} file system: locks and the embedded bus do not hold there",
            "Name a folder on a local disk as spec.state.",
        )
    elif kind in FLEETING:
        yield warning(
            STATE,
            f"{folder} is in memory ({kind}): what has been learned and recorded is lost when the machine restarts",
            "Name a folder on a disk as spec.state.",
        )
    elif free < FREE_LEAST:
        yield warning(STATE, f"{folder} has {free // 2**20} MiB left", "Make room on its disk.")
    else:
        yield well(STATE, f"{folder} {'can be written to' if there == folder else 'will be made'}, {kind or 'a'} disk")
    orders, resume = read_orders(folder / LOCK), f"tidegate resume {shlex.quote(str(folder / LOCK))}"
    if orders.paused is not None:
        yield warning(STATE, f"moves are paused {_who(orders)}", "To go on:", resume)
    for pool, own in orders.pools.items():
        if own.paused is not None:
            command = f"{resume} --pool {shlex.quote(pool)}"
            yield warning(STATE, f"moves of pool {pool} are paused {_who(own)}", "To go on:", command)


def _who(orders: Orders) -> str:
    return "by somebody" if orders.ordered is None else str(orders.ordered)


def leads(folder: Path) -> bool | None:
    """Whether a process on this machine moves nodes now; None where that cannot be seen."""
    try:
        return leader_of(folder / LOCK) is not None
    except BadInput:
        return None


def mistakes(check: str, error: BadInput, remedy: str) -> Iterator[Finding]:
    """One finding for each mistake in a document."""
    *most, last = error.lines
    yield from (wrong(check, one, "") for one in most)
    yield wrong(check, last, remedy)


def file_system(folder: Path) -> str:
    """The kind of file system that the folder is on; empty where the system does not tell."""
    best, kind = "", ""
    path = os.path.realpath(folder)
    with suppress(OSError), open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
        for mount in mounts:
            _, where, found, *_ = mount.split(" ")
            where = where.encode().decode("unicode_escape", "replace")
            inside = path == where or path.startswith(where.rstrip("/") + "/")
            if inside and len(where) >= len(best):
                best, kind = where, found
    return kind
