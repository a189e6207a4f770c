"""What each policy is worth over many windows of recorded work, paired, with its spread: ``python -m
benchmarks.scenarios quick``."""
