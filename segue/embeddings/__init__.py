"""Embeddings: vectors of tracks, near each other for similar tracks."""
