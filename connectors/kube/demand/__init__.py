"""Demand of Kubernetes: what pods, jobs, gangs and queues want of a pool's nodes. Pure functions of what was read."""
