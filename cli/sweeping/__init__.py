"""What ``tidegate sweep`` does: combinations of a policy's values, their replays, and which are worth it."""
