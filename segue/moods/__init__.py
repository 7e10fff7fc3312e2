"""Mood: a track's energy, tempo, brightness and tone from its descriptors, and lists steered by it."""
