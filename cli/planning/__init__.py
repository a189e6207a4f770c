"""The last plan for people: where it is found, why it came out so, and what it would be under another policy.

Here may not be a rule of the decision: what is told is what was written down, and what ``decide`` makes of it again.
"""
