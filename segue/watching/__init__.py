"""Watches folders of music for changes."""
