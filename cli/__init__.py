"""The ``tidegate`` command: thin, one file for each command, and the only place that wires the parts together.

Here may not be a decision, a forecast or a rule of the simulation.
"""
