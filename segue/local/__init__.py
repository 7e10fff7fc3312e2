"""Servers on this machine for trying Segue out: Kafka, MongoDB, Java, jars, and records of processes."""
