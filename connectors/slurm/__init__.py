"""Slurm behind the port.

``transport.py`` is what Slurm is asked; ``rest/`` asks slurmrestd, ``native/`` Slurm's own library, and ``commands/``
has its commands print what there may be much of. ``wire.py`` is what is answered; ``flags.py``, ``amounts.py``,
``constraints.py``, ``jobs.py``, ``read.py`` and ``pool.py`` make of it what ``models`` has words for, and
``scheduler.py`` is the port. ``checkup/`` looks a Slurm over for a person. Nothing here may decide which node moves,
and no part of a reading may be made up: what cannot be told is ``Unreachable``.
"""
