"""Works beside connected servers: learns from the songs that play there, and writes playlists there."""
