"""The way to a Kafka broker: security, what exactly is wrong when connecting fails, and mends of the client.

Here may not be a topic or a message of ours: the event bus and Slurm's own stream both stand on it.
"""
