"""What wraps the reading of any scheduler: its pace, and a circuit breaker. Here may not be a scheduler."""
