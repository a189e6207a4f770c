"""Slurm's accounting, as ``sacct -P`` and ``sacct --json`` tell it, read as jobs to replay.

``parsable`` and ``document`` turn each form into rows, ``columns`` says which columns there are and which lines
are no accounting, ``times`` and ``values`` read what stands in one field, ``selection`` decides which row is a job to
replay and why another is not, ``accounting`` is the result; ``open_accounting`` opens a file and finds out its form by
looking.

Here may not be: a call of sacct, the time of day, or the name of a user in what is handed on.
"""
