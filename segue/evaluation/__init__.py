"""How good recommendations are: metrics, models on session logs, spaces by their sound, freshness."""
