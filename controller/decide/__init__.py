"""Deciding: one snapshot and one policy in, one plan out.

Here may not be a client, a clock, a logger, or anything that remembers: the same input always gives the same plan.
"""
