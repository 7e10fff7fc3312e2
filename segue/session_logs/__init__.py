"""Session logs and public data sets, and how they are split by time."""
