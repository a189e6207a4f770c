"""Slurm behind the port, over slurmrestd.

``wire.py`` is what slurmrestd says, ``flags.py``, ``amounts.py``, ``jobs.py``, ``read.py`` and ``pool.py`` make of it
what ``models`` has words for, ``client.py`` asks, and ``scheduler.py`` is the port. Nothing here may decide which node
moves, and no part of a reading may be made up: what cannot be told is ``Unreachable``.
"""
