"""What ``tidegate tune`` does beside its search: two parts of a trace, progress, and a policy with its evidence."""
