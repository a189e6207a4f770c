"""Slurm over its own library, through pyslurm, in a process of its own.

``translate.py`` makes of what pyslurm shows what ``connectors.slurm.wire`` has words for; ``answering.py`` asks
pyslurm, in the process that ``worker.py`` is; ``process.py`` starts that process and asks it, and ``transport.py`` is
the ``Transport``. Nothing but ``worker.py`` may import pyslurm: it is under the GPL, may end the process that it is in,
and lets nothing else run in it while Slurm has not answered.
"""
