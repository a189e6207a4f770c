"""``tidegate doctor``: what at a site keeps Tidegate from working as it should, and what to do about it.

Here may not be any change of what is looked at. Checks of Slurm itself are in ``connectors/slurm/checkup``.
"""
