"""The progress of the streaming queries, as it is stored."""
