"""Models that score the whole catalogue for a listener or a session: baselines, and the sources of Segue."""
