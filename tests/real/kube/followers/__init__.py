"""Processes that follow a cluster and say what that costs them, with nothing else in them; run by ``python -m``."""
