"""From a site's settings to its Slurm."""

from __future__ import annotations

from connectors.slurm.commands.process import Commands
from connectors.slurm.commands.transport import CommandsTransport
from connectors.slurm.native.process import Process
from connectors.slurm.native.transport import NativeTransport
from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.settings import SlurmSettings
from connectors.slurm.token import TokenFile
from connectors.slurm.transport import Transport


def open_transport(settings: SlurmSettings) -> Transport:
    """The way to Slurm that the settings name, to be closed. Raises BadInput, or Unreachable, when there is none."""
    commands = None
    if settings.commands is not None:
        tokens = None if settings.token_file is None else TokenFile(settings.token_file)
        commands = Commands(settings.commands, conf=settings.conf, tokens=tokens)
    if settings.url is None or settings.token_file is None:
        transport: Transport = NativeTransport(Process(conf=settings.conf))
    else:
        rest = Rest(settings.url, settings.token_file, user=settings.user or "", ca_file=settings.ca_file)
        transport = RestTransport(rest)
    return transport if commands is None else CommandsTransport(commands, transport)
