"""The audit at the command line: what a replay writes of it, and what ``tidegate handovers`` tells from it.

Here may not be a decision or a rule of a hand-over: what is told is what was written down, and ``decide`` itself is run
again to see whether it comes to the same.
"""
