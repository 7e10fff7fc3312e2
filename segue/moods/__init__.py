"""Mood: what descriptors say of a track's energy, tempo, brightness and tone, and lists steered by it."""
