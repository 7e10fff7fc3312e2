"""The jobs' rights in MongoDB and Kafka, and the command that grants them."""
