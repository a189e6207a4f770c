"""Slurm's own commands as readers: ``running.py`` runs one, ``jobs.py`` and ``nodes.py`` understand what it prints.

``transport.py`` reads nodes and jobs through them and leaves everything else to another ``Transport``.
"""
