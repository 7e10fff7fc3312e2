"""Code that uses Spark: sessions, parsing, windows, steps, training, recount, and the pack for a cluster."""
