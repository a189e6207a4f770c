"""What Slurm tells of itself; the numbers are what its controller was measured to do."""

from __future__ import annotations

from models.scheduler_facts import SchedulerFacts

FACTS = SchedulerFacts(
    name="Slurm",
    settle_s=6,  # slurmctld saves its state every five seconds (SAVE_MAX_WAIT), and forgets what came since in a crash
    lands_s=30,  # three times its MessageTimeout
    write_longest_s=10.0,  # a hung slurmctld kept its clients for 9 to 10.1 s
    show_command="scontrol show node {node}",
    open_command="scontrol update NodeName={node} State=UNDRAIN",
)
