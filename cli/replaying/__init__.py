"""What ``tidegate replay`` and ``tidegate demo`` share: what was asked, inputs, the comparison, the bus on the way."""
