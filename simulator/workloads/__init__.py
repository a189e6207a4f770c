"""Generated work: batch jobs after a published model, and a request rate with days, weeks and bursts.

Everything follows from a seed and from nothing else: the same arguments give the same work in any process. Here may
not be: a global random state, a clock, a file, or anything that knows how the work will be scheduled.
"""
