"""Slurm's releases, each in a Debian root folder of its own. ``python -m tests.real.slurm.install`` makes them all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path
from zlib import crc32

from tests.real import cache, packages

PACKAGES = (
    "slurm-wlm",
    "slurm-wlm-basic-plugins",
    "slurm-wlm-jwt-plugin",
    "slurm-wlm-kafka-plugin",
    "slurm-wlm-mysql-plugin",
    "slurmdbd",
    "slurmrestd",
    "sackd",
    "mariadb-server-core",
    "mariadb-client-core",
    "libfaketime",
    "procps",
)
USERS = ("ada", "ben", "cyd")  # who may submit jobs, beside root
USERS_FROM = 1001
GPUS_MOST = 8  # files that stand for them
DATABASE = Path("srv/database")  # where the root folder has an empty one, to copy
CONF, STATE, LOGS = Path("etc/slurm"), Path("var/lib/slurm"), Path("var/log/slurm")  # a cluster has its own
HOSTS = "127.0.0.1 localhost slurm\n127.0.0.2 backup\n"
UNREAD = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


@dataclass(frozen=True)
class Release:
    """A release of Slurm, and the suite of Debian that has it."""

    name: str
    suite: str


RELEASES = {"24.11": Release("24.11", "trixie"), "26.05": Release("26.05", "forky")}


@remembered
def root(release: Release) -> Path:
    """The release's root folder, made if it is not there yet; whoever runs in it may not change it."""
    if os.geteuid() != 0:
        raise packages.MissingError("real Slurm clusters need root, to mount and to change the root folder")
    packages.need("nsenter", "util-linux")
    recipe = crc32(repr([*_mmdebstrap(release, Path("/")), *_additions()]).encode())
    return cache.kept("slurm", f"{release.name}-{recipe:08x}", lambda folder: _make(release, folder))


def _version(folder: Path) -> str:
    """The version of Slurm in a root folder, 24.11.5 say."""
    return _run("chroot", str(folder), "slurmctld", "-V").split()[-1]


def _make(release: Release, folder: Path) -> None:
    packages.need("mmdebstrap", "mmdebstrap")
    packages.say(f"making a root folder with Slurm {release.name} from Debian {release.suite} (about a minute)")
    _run(*_mmdebstrap(release, folder))
    for path, text in _additions():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(text)
    for own in (CONF, STATE, LOGS):
        (folder / own).mkdir(parents=True, exist_ok=True)
    if not (found := _version(folder)).startswith(f"{release.name}."):
        raise packages.MissingError(f"Debian {release.suite} has Slurm {found}, not {release.name} any more")
    options = ("--user=root", f"--datadir=/{DATABASE}", "--skip-test-db", "--innodb-log-file-size=4M")
    _run("chroot", str(folder), "mariadb-install-db", "--no-defaults", *options)


def _mmdebstrap(release: Release, folder: Path) -> list[str]:
    """In a mount namespace, so that nothing stays mounted whatever happens."""
    options = ["--mode=root", "--variant=apt", "--dpkgopt=force-unsafe-io"]
    options += [f"--dpkgopt=path-exclude={path}" for path in UNREAD]
    options.append('--aptopt=Acquire::Check-Valid-Until "false"')  # an older copy of a suite is as good
    options.append(f"--include={','.join(PACKAGES)}")
    return ["unshare", "--mount", "mmdebstrap", "--quiet", *options, release.suite, str(folder)]


def _additions() -> Iterator[tuple[str, str]]:
    """What the root folder has more than Debian: text at the end of files."""
    yield "etc/hosts", HOSTS
    for number, name in enumerate(USERS, USERS_FROM):
        yield "etc/passwd", f"{name}:x:{number}:{number}::/tmp:/bin/sh\n"
        yield "etc/group", f"{name}:x:{number}:\n"
    for number in range(GPUS_MOST):
        yield f"srv/gpus/gpu{number}", ""
    yield f"{DATABASE}/.keep", ""


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise packages.MissingError(f"{' '.join(argv)} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    try:
        with ThreadPoolExecutor() as all_at_once:
            for slurm, made in zip(RELEASES, all_at_once.map(root, RELEASES.values()), strict=True):
                packages.say(f"Slurm {slurm} is in {made}")
    except packages.MissingError as error:
        sys.exit(f"test bed: {error}")
