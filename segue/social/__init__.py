"""Sharing between listeners: links, follows, activity, blended tastes, collaborative playlists."""
