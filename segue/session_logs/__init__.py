"""Session logs and public data sets, and their splits by time."""
