"""Versions of all that is learned or built, and the version of each kind that is in use."""
