"""Forecasting: demand as it was seen becomes quantiles of demand to come.

Arrays and values in, values out. Here may not be a scheduler, a clock, a file, or an import of ``controller`` or
``connectors``.
"""
