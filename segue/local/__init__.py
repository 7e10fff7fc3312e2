"""The embedded servers for trials (Kafka, MongoDB), with Java, jars, and records of processes."""
