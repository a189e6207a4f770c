"""Replays on the flat twin of ``controller/whatif``: a world becomes columns, and the figures come out the same.

What the flat twin does not know is refused here, with a reason; the plain twin is used for it. The tests of the
simulator hold every figure, move and turn of both against each other.
"""
