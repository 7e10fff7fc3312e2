"""The catalogue: which audio files there are and what they say of themselves."""
