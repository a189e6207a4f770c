"""Settings lead to one way or the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.slurm.commands.transport import CommandsTransport
from connectors.slurm.open_slurm import open_transport
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.settings import SlurmSettings
from models.errors import BadInput


def test_rest(tmp_path: Path):
    settings = SlurmSettings.model_validate({"url": "http://slurm:6820", "tokenFile": str(tmp_path / "token")})
    assert isinstance(open_transport(settings), RestTransport)


def test_native_asks_for_pyslurm_with_the_sites_configuration(tmp_path: Path):
    settings = SlurmSettings.model_validate({"over": "native", "conf": str(tmp_path / "slurm.conf")})
    with pytest.raises(BadInput, match=r"slurm\.conf"):
        open_transport(settings)


def test_commands_read_and_slurmrestd_does_the_rest(tmp_path: Path):
    for name in ("squeue", "scontrol"):
        (tmp_path / name).touch(0o755)
    told = {"url": "http://slurm:6820", "tokenFile": "token", "commands": "."}
    settings = SlurmSettings.model_validate(told).beside(tmp_path)
    assert isinstance(open_transport(settings), CommandsTransport)


def test_a_folder_without_slurms_commands(tmp_path: Path):
    told = {"url": "http://slurm:6820", "tokenFile": "token", "commands": "bin"}
    with pytest.raises(BadInput, match=r"no scontrol in .*bin"):
        open_transport(SlurmSettings.model_validate(told).beside(tmp_path))
