"""Listeners' playlists, M3U files, and generated lists."""
