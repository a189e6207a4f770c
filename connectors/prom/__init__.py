"""Prometheus, read and never written: signals, and the past of demand.

Here may not be what a signal is good for, nor any other way to read Prometheus.
"""
