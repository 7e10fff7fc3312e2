"""The clients of MongoDB, GridFS and Kafka, and the base class of the owners of collections."""
