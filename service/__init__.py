"""The running service: its parts by role, put together for one process, and the pace at which each takes its steps.

Here may not be a command line, a decision, a forecast or a scheduler's own words: those stand in the layers beside.
"""
