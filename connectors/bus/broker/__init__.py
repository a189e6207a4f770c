"""The event bus on Apache Kafka."""
