"""Slurm over slurmrestd: ``client.py`` asks, ``transport.py`` is the ``Transport``.

Nothing here may know what the answers mean: they are handed on as ``connectors.slurm.wire`` has them.
"""
