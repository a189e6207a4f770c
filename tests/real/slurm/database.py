"""What a cluster's accounting needs: slurmdbd, and a MariaDB that only processes of the cluster's enclosure reach."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.real.slurm import install

SOCKET = Path("/run/mysqld/mysqld.sock")  # where Slurm looks for it
DATABASE = (
    "mariadbd",
    "--no-defaults",
    "--user=root",
    f"--datadir=/{install.DATABASE}",
    f"--socket={SOCKET}",
    "--pid-file=/run/mysqld/mysqld.pid",
    "--skip-networking",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=4M",
    "--innodb-lock-wait-timeout=900",
    "--innodb-flush-log-at-trx-commit=2",
)
ACCOUNTING = ("slurmdbd", "-D")
# The database has to be there first: slurmdbd on the client library of MariaDB 11.8.9 fails if it makes it itself, as
# the library then holds every result for too wide.
CREATE = ("mariadb", "--no-defaults", f"--socket={SOCKET}", "--execute=CREATE DATABASE IF NOT EXISTS slurm_acct_db")
ASK_ACCOUNTING = ("sacctmgr", "--noheader", "show", "cluster")


def prepare(root: Path, folder: Path) -> None:
    """An empty database, unless there is one already."""
    if not folder.exists():
        shutil.copytree(root / install.DATABASE, folder)
