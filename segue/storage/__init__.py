"""The clients of MongoDB, GridFS and Kafka, and the base class of collection owners."""
