"""What listeners share: links, following, activity, blended tastes, playlists of several."""
