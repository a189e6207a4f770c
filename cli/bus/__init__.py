"""The event bus at the command line: what comes along, who is behind, what was put aside.

Here may not be a question to a broker or a file: those are in ``connectors/bus``. What stands on a bus was written by
anybody, so nothing of it reaches a terminal as it is.
"""
