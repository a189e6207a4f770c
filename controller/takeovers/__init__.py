"""Takeovers: whose hour comes, what has to begin for it by now, what holds it, and what it costs. Pure but for
``watch.py``, which remembers where each stands.
"""
