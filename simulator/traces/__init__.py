"""Readers of recorded work: a file in, frozen values and :class:`simulator.work.ReadNotes` out.

``swf`` and ``sacct`` read batch jobs, ``jobs`` finds out which of them a file is for, and ``swf_writing`` writes
them; ``pods`` reads Kubernetes pods, ``rates`` request rates; ``text`` opens any of them, ``table`` finds CSV columns
by name, ``quantities`` parses numbers and Kubernetes quantities. A reader streams, bounds what one line may cost,
drops nothing in silence and raises :class:`models.errors.BadInput` for a file that cannot be used.

Here may not be: a guess about a cluster, a change to the work for the sake of an experiment, a random number, or a
recorded trace.
"""
