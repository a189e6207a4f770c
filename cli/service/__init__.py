"""The running service: the parts of one pool put together, and the pace at which each takes its steps."""
