"""Plays of other services: reads their exports, matches the songs, and keeps the plays."""
