"""The simulator: a twin of both sides behind the same ports as the real ones, and the replay that drives everything
in it.

It is product code: ``tidegate replay`` runs the very decision and hand-over code that a service runs. Here may not
be an import of ``connectors``, a wall clock, or a random number that does not come from a seed.
"""
