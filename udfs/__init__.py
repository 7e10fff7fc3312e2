"""Code that Spark runs in Python workers: thin wrappers over the domain."""
