"""Works beside connected servers: learns from what is playing there, and writes playlists there."""
