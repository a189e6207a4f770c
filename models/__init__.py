"""The words of Tidegate as frozen values, and the ports between its parts.

Here are nodes, work, demand, forecasts, snapshots, plans, hand-overs and policies: valid once made, checked nowhere
else. Here may not be: input or output, a clock, randomness, logging, or an import of any other package of ours. Times
are whole seconds since an epoch that the caller chose (``_s``); amounts of machine are nodes of one pool.
"""
