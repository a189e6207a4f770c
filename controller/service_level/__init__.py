"""The price of Kubernetes' unmet demand where a policy names a service level: what is measured, and how it follows.

Here may not be a choice of moves: a price goes to ``decide``, which does not know where it comes from.
"""
