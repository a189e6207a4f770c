"""What commands that replay are given, each as an option: the inputs, how they are cut, and how the twin behaves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.quantities import DURATION, lasting
from cli.replaying import parse as words

Hpc = Annotated[
    Path | None, typer.Option(help="HPC jobs: Standard Workload Format, sacct -P or sacct --json; plain or gz")
]
ProcsPerNode = Annotated[int, typer.Option(min=1, help="Processors of one node")]
Requests = Annotated[Path | None, typer.Option(help="Request rate: CSV of seconds,requests_per_second")]
RatePerNode = Annotated[
    float | None,
    typer.Option(min=1e-9, max=1e12, help="Requests per second that one node serves; else scaled to the peak"),
]
Pods = Annotated[Path | None, typer.Option(help="Pods: CSV with requests and times")]
Nodes = Annotated[int | None, typer.Option(min=1, max=100_000, help="Nodes of the pool")]
Shape = Annotated[str, typer.Option(help="What one node offers to pods")]
PolicyFile = Annotated[Path | None, typer.Option(help="Policy file; without one the defaults hold")]
Start = Annotated[str | None, typer.Option(help="Where each input starts, for example hpc=100d,pods=90 (days)")]
Days = Annotated[
    float | None,
    typer.Option(parser=lasting("d", "60s", "36500d"), metavar=DURATION, help="How long to replay: 10 (days), 36h"),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random")]
Handover = Annotated[
    float,
    typer.Option(
        parser=lasting("m", "0s", "7d"),
        metavar=DURATION,
        help="Median time between empty on one side and open on the other: 20 (minutes), 20m",
    ),
]
MaxJobNodes = Annotated[int | None, typer.Option(min=1, help="Leave larger jobs out, and count them")]
SharedCores = Annotated[
    bool, typer.Option("--shared-cores", help="Jobs share nodes by cores instead of having them alone")
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse an input at its first bad line")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors")]
DEFAULT_SHAPE = words.DEFAULT_SHAPE
HANDOVER_MIN = 10.0
