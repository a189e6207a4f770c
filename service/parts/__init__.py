"""The parts of the service, one file each: what it is made of, its steps, and how to open it.

Here may not be a decision, a forecast, or a scheduler's own words.
"""
