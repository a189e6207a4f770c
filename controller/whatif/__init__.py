"""A flat copy of the twin: what would become of a state under a policy, in plain numbers, lists and arrays.

It knows the fault-free case of whole nodes only, and there it does what the twin does, second for second; what it does
not know it refuses. Here may not be a client, a clock, a logger or dice: whoever asks brings delays and futures.
"""
