"""What stands for messages that a broker has and that cannot be read; who looks for it need not have the client."""


class Damaged(bytes):
    """Stands where a message's value does, in place of messages that are lost, and says which and why."""
