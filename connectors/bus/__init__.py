"""The event bus: what the parts tell one another, through Apache Kafka or through one file."""
