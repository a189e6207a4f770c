"""Grafana's dashboards as code: what is on them, and what makes JSON of that. For developers only.

Here may not be a metric that ``service/metric_catalogue.py`` does not have, nor anything that the service needs.
"""
