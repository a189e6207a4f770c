"""What wraps the reading of any scheduler: its pace, a circuit breaker, a last picture that stands.

Here may not be a scheduler.
"""
