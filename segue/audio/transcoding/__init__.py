"""Converts recordings that a player cannot play, or that are larger than it wants, with ffmpeg.

The processes, the queue and the size of the cache are limited. The package knows nothing of HTTP or the
catalogue, so that every server of recordings can use it.
"""
