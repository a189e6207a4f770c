"""Handing over: the life cycle of a move as one table, a pure step, and a thin carrying-out.

Here may not be a choice of what to move. Plan, asked-for and observed are three different things: a step follows only
from what was seen.
"""
