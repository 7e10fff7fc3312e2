"""The quality of recommendations: metrics, models on session logs, spaces by their sound, freshness."""
